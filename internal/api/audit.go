package api

func (s *server) auditRoutes() []route { return nil }
