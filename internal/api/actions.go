package api

func (s *server) actionRoutes() []route { return nil }
