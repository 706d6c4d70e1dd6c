package api

func (s *server) portRoutes() []route { return nil }
