package api

func (s *server) eventRoutes() []route { return nil }
