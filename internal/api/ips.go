package api

func (s *server) ipRoutes() []route { return nil }
