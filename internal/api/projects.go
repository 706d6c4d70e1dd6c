package api

func (s *server) projectRoutes() []route { return nil }
