package api

func (s *server) memberRoutes() []route { return nil }
