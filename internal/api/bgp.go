package api

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// BGP is what the store knows of projects' and devices' BGP.
type BGP interface {
	ProjectBGP(context.Context, metal.ProjectID) (metal.ProjectBGP, error)
	EnableBGP(context.Context, metal.Request, metal.ProjectBGP) error
	Peers(context.Context, metal.DeviceID) ([]metal.Peer, error)
	Peerings
}

// Peerings are BGP sessions, on or off.
type Peerings interface {
	Peerings(context.Context, metal.ProjectID) ([]metal.Peering, error)
	PeeringsOf(context.Context, metal.DeviceID) ([]metal.Peering, error)
	Peering(ctx context.Context, id string) (metal.Peering, error)
	OpenPeering(context.Context, metal.Request, metal.Peering) error
	ClosePeering(context.Context, metal.Request, metal.Peering) error
	SetDefaultRoute(ctx context.Context, c metal.Request, id string, want bool) error
}

func (s *server) bgpRoutes() []route {
	return []route{
		{http.MethodPost, "/projects/{id}/bgp-configs", access.Create, access.BGP, http.StatusNoContent, "Let a project's devices speak BGP.", BGPConfigInput{}, nil, enableBGP},
		{http.MethodGet, "/projects/{id}/bgp-config", access.See, access.BGP, http.StatusOK, "Get what a project may do with BGP; an empty object where that is nothing.", nil, anyOf{BGPConfig{}, struct{}{}}, getBGP},
		{http.MethodGet, "/projects/{id}/bgp/sessions", access.See, access.BGP, http.StatusOK, "List the BGP sessions of a project's devices.", nil, BGPSessionList{}, listSessions},
		{http.MethodGet, "/devices/{id}/bgp/sessions", access.See, access.BGP, http.StatusOK, "List the BGP sessions of a device.", nil, BGPSessionList{}, listDeviceSessions},
		{http.MethodPost, "/devices/{id}/bgp/sessions", access.Create, access.BGP, http.StatusCreated, "Open a BGP session of a device with its switch.", BGPSessionInput{}, BGPSession{}, openSession},
		{http.MethodGet, "/devices/{id}/bgp/neighbors", access.See, access.BGP, http.StatusOK, "Get what a device has to configure for its BGP sessions.", nil, BGPNeighborList{}, listNeighbors},
		{http.MethodGet, "/bgp/sessions/{id}", access.See, access.BGP, http.StatusOK, "Get a BGP session.", nil, BGPSession{}, getSession},
		{http.MethodPut, "/bgp/sessions/{id}", access.Alter, access.BGP, http.StatusOK, "Say whether a BGP session should bring a default route.", BGPSessionInput{}, BGPSession{}, changeSession},
		{http.MethodDelete, "/bgp/sessions/{id}", access.Delete, access.BGP, http.StatusNoContent, "Close a BGP session.", nil, nil, closeSession},
	}
}

func enableBGP(c *call) (any, error) {
	var in BGPConfigInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	b, err := in.config(c.caller.Operator)
	if err != nil {
		return nil, err
	}
	b.Project = metal.ProjectID(c.id())
	return nil, c.server.Store.EnableBGP(c.ctx, c.change(), b)
}

func getBGP(c *call) (any, error) {
	b, err := c.server.Store.ProjectBGP(c.ctx, metal.ProjectID(c.id()))
	if isNotFound(err) {
		return struct{}{}, nil // what the Kubernetes providers take for "not enabled"
	}
	if err != nil {
		return nil, err
	}
	sessions, err := c.server.Store.Peerings(c.ctx, b.Project)
	return bgpWire(b, sessions), err
}

func listSessions(c *call) (any, error) {
	all, err := c.server.Store.Peerings(c.ctx, metal.ProjectID(c.id()))
	return BGPSessionList{sessionsWire(all)}, err
}

func listDeviceSessions(c *call) (any, error) {
	all, err := c.server.Store.PeeringsOf(c.ctx, metal.DeviceID(c.id()))
	return BGPSessionList{sessionsWire(all)}, err
}

func openSession(c *call) (any, error) {
	var in BGPSessionInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	p := metal.Peering{ID: uuid.NewString(), Device: metal.DeviceID(c.id())}
	switch in.AddressFamily {
	case "ipv4":
		p.Family = 4
	case "ipv6":
		p.Family = 6
	default:
		return nil, unprocessable("address_family: %q; say ipv4 or ipv6", in.AddressFamily)
	}
	p.DefaultRoute = in.DefaultRoute != nil && *in.DefaultRoute
	if err := c.server.Store.OpenPeering(c.ctx, c.change(), p); err != nil {
		return nil, fieldFirst("device", err)
	}
	c.bring(p.Device)
	return c.session(p.ID)
}

func getSession(c *call) (any, error) { return c.session(c.id()) }

func (c *call) session(id string) (any, error) {
	p, err := c.server.Store.Peering(c.ctx, id)
	return sessionWire(p), err
}

func changeSession(c *call) (any, error) {
	var in BGPSessionInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	was, err := c.server.Store.Peering(c.ctx, c.id())
	if err != nil {
		return nil, err
	}
	if in.AddressFamily != "" && in.AddressFamily != versionName(was.Family) {
		return nil, unprocessable("address_family: a session keeps its own; open another one")
	}
	wanted := was.DefaultRoute
	if in.DefaultRoute != nil {
		wanted = *in.DefaultRoute
	}
	if err := c.server.Store.SetDefaultRoute(c.ctx, c.change(), c.id(), wanted); err != nil {
		return nil, err
	}
	return c.session(c.id())
}

func closeSession(c *call) (any, error) {
	p, err := c.server.Store.Peering(c.ctx, c.id())
	if err != nil {
		return nil, err
	}
	if err := c.server.Store.ClosePeering(c.ctx, c.change(), p); err != nil {
		return nil, fieldFirst("device", err)
	}
	c.bring(p.Device)
	return nil, nil
}

func listNeighbors(c *call) (any, error) {
	peers, err := c.server.Store.Peers(c.ctx, metal.DeviceID(c.id()))
	list := BGPNeighborList{[]BGPNeighbor{}}
	for _, p := range peers {
		list.Neighbors = append(list.Neighbors, neighborWire(p))
	}
	return list, err
}
