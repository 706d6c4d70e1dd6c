package api

func (s *server) quotaRoutes() []route { return nil }
