package api

func (s *server) bgpRoutes() []route { return nil }
