package api

func (s *server) keyRoutes() []route { return nil }
