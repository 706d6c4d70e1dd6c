package api

func (s *server) catalogueRoutes() []route { return nil }
