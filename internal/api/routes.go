package api

import (
	"millwright/internal/access"
)

// route is one thing that can be asked. The table of them is the API: the mux,
// the permissions' test and the OpenAPI description are made of it.
type route struct {
	method, path string // below the base; {id} names the thing whose scope decides
	verb         access.Verb
	kind         access.Kind
	code         int // of an answer that is no error
	does         string
	in, out      any // zero values of the bodies; nil where there is none
	handle       handler
}

// handler answers a request that may be. What it returns becomes the body.
type handler func(*call) (any, error)

// routes lists all that can be asked, noun by noun.
func (s *server) routes() []route {
	var all []route
	for _, noun := range []func() []route{
		s.userRoutes,
		s.organizationRoutes,
		s.projectRoutes,
		s.memberRoutes,
		s.keyRoutes,
		s.sshKeyRoutes,
		s.auditRoutes,
		s.quotaRoutes,
		s.catalogueRoutes,
		s.capacityRoutes,
		s.hardwareRoutes,
		s.portRoutes,
		s.deviceRoutes,
		s.actionRoutes,
		s.ipRoutes,
		s.bgpRoutes,
		s.eventRoutes,
		s.webhookRoutes,
		s.usageRoutes,
	} {
		all = append(all, noun()...)
	}
	return all
}
