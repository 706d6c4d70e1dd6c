package api

func (s *server) deviceRoutes() []route { return nil }
