package api

import (
	"context"
	"net/http"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Quotas are how much a project may have, and has.
type Quotas interface {
	Quotas(context.Context, metal.ProjectID) ([]metal.Quota, error)
}

func (s *server) quotaRoutes() []route {
	return []route{{
		method: "GET", path: "/projects/{id}/quotas", verb: access.See, kind: access.Quota, code: http.StatusOK,
		does: "Lists what a project may have at most, and has: devices in all and by plan, and addresses. What is not listed has no limit.",
		out:  quotasBody{}, handle: quotas,
	}}
}

// quotasBody is ours: Packet's limits were kept by its support.
type quotasBody struct {
	Quotas []quotaBody `json:"quotas"`
}

type quotaBody struct {
	Resource string  `json:"resource"` // devices, devices/<plan>, public-ipv4, reserved-ipv4, reserved-ipv6 (in /64s)
	Most     int64   `json:"most"`
	Used     float64 `json:"used"`
}

func quotas(c *call) (any, error) {
	all, err := c.server.Store.Quotas(c.ctx, c.scope.Project)
	if err != nil {
		return nil, err
	}
	body := quotasBody{Quotas: make([]quotaBody, len(all))}
	for i, q := range all {
		body.Quotas[i] = quotaBody{q.Resource, q.Most, q.Has}
	}
	return body, nil
}
