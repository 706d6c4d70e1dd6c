package api

func (s *server) sshKeyRoutes() []route { return nil }
