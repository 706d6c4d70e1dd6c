package api

func (s *server) userRoutes() []route { return nil }
