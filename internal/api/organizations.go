package api

func (s *server) organizationRoutes() []route { return nil }
