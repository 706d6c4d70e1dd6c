package api

func (s *server) webhookRoutes() []route { return nil }
