package api

func (s *server) hardwareRoutes() []route { return nil }
