package api

func (s *server) capacityRoutes() []route { return nil }
