package api

func (s *server) usageRoutes() []route { return nil }
