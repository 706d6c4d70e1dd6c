package api

import (
	"context"
	"net/http"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Ports is what the store knows of machines' NICs.
type Ports interface {
	NICs(ctx context.Context, devices []metal.DeviceID) (map[metal.DeviceID][]metal.NIC, error)
	DeviceOfPort(ctx context.Context, id string) (metal.DeviceID, error)
	PortStays(ctx context.Context, c metal.Request, id string) error
	DeviceLeases(ctx context.Context, devices []string) (map[metal.DeviceID][]metal.Lease, error)
}

// VirtualNetworkList is always empty: there are no VLANs.
type VirtualNetworkList struct {
	VirtualNetworks []struct{} `json:"virtual_networks"`
	Meta            meta       `json:"meta"`
}

// VLANAssignmentList is always empty.
type VLANAssignmentList struct {
	VLANAssignments []struct{} `json:"vlan_assignments"`
	Meta            meta       `json:"meta"`
}

// PortConversion says which addresses a port should have once it is routed.
type PortConversion struct {
	RequestIPs []AddressWish `json:"request_ips"`
}

// AddressWish is an address of a family, public or private.
type AddressWish struct {
	AddressFamily int  `json:"address_family"`
	Public        bool `json:"public"`
}

// portRoutes let clients find ports as they want them. Every port is routed:
// what asks for that is done already, and what asks for a VLAN is refused.
func (s *server) portRoutes() []route {
	look := func(path, does string, out any, h handler) route {
		return route{method: http.MethodGet, path: path, verb: access.See, kind: access.Device, code: http.StatusOK, does: does, out: out, handle: h}
	}
	set := func(method, path, does string, h handler) route {
		return route{method: method, path: path, verb: access.Alter, kind: access.Device, code: http.StatusOK, does: does, out: Port{}, handle: h}
	}
	const post, del = http.MethodPost, http.MethodDelete
	routed := set(post, "/ports/{id}/convert/layer-3", "Have a port routed, which it is.", stayRouted)
	routed.in = PortConversion{}
	return []route{
		look("/ports/{id}", "Get a port.", Port{}, getPort),
		set(post, "/ports/{id}/bond", "Have a port bonded, which it is.", stayPort),
		routed,
		set(post, "/ports/{id}/disbond", "Refused: ports stay in their bond.", refuseDisbond),
		set(post, "/ports/{id}/convert/layer-2", "Refused: every port is routed.", refuseVLANs),
		set(post, "/ports/{id}/assign", "Refused: there are no VLANs.", refuseVLANs),
		set(post, "/ports/{id}/unassign", "Refused: there are no VLANs.", refuseVLANs),
		set(post, "/ports/{id}/native-vlan", "Refused: there are no VLANs.", refuseVLANs),
		set(del, "/ports/{id}/native-vlan", "Refused: there are no VLANs.", refuseVLANs),
		set(post, "/ports/{id}/vlan-assignments/batches", "Refused: there are no VLANs.", refuseVLANs),
		look("/ports/{id}/vlan-assignments", "List the VLANs of a port: none.", VLANAssignmentList{}, listVLANAssignments),
		look("/projects/{id}/virtual-networks", "List the VLANs of a project: none.", VirtualNetworkList{}, listVirtualNetworks),
		set(post, "/projects/{id}/virtual-networks", "Refused: there are no VLANs.", refuseVLANs),
	}
}

func getPort(c *call) (any, error) {
	device, err := c.server.Store.DeviceOfPort(c.ctx, c.id())
	if err != nil {
		return nil, err
	}
	nics, err := c.server.Store.NICs(c.ctx, []metal.DeviceID{device})
	if err != nil {
		return nil, err
	}
	for _, port := range networkPorts(nics[device]) {
		if port.ID == c.id() {
			return port, nil
		}
	}
	return nil, errNotFound()
}

func stayPort(c *call) (any, error) {
	if err := c.server.Store.PortStays(c.ctx, c.change(), c.id()); err != nil {
		return nil, err
	}
	return getPort(c)
}

// stayRouted gives no addresses: a device has those that it was ordered with.
// Who asks for others must not believe to have got them.
func stayRouted(c *call) (any, error) {
	var want PortConversion
	if err := c.decode(&want); err != nil {
		return nil, err
	}
	if len(want.RequestIPs) == 0 {
		return stayPort(c)
	}
	device, err := c.server.Store.DeviceOfPort(c.ctx, c.id())
	if err != nil {
		return nil, err
	}
	leases, err := c.server.Store.DeviceLeases(c.ctx, []string{string(device)})
	if err != nil {
		return nil, err
	}
	for _, wish := range want.RequestIPs {
		if !wish.among(leases[device]) {
			return nil, unprocessable("request_ips: the device has no such address on its link, and links stay as they were ordered; reserve addresses, and assign them")
		}
	}
	return stayPort(c)
}

func (w AddressWish) among(leases []metal.Lease) bool {
	for _, l := range leases {
		if !l.Elastic && (l.Prefix.Addr().Is4() == (w.AddressFamily == 4)) && (l.Role == metal.Public) == w.Public {
			return true
		}
	}
	return false
}

func listVLANAssignments(c *call) (any, error) {
	page, err := c.page()
	if err != nil {
		return nil, err
	}
	return VLANAssignmentList{[]struct{}{}, c.meta(page, 0)}, nil
}

func listVirtualNetworks(c *call) (any, error) {
	page, err := c.page()
	if err != nil {
		return nil, err
	}
	return VirtualNetworkList{[]struct{}{}, c.meta(page, 0)}, nil
}

func refuseDisbond(*call) (any, error) {
	return nil, unprocessable("bonded: ports stay in their bond, over which all of a device's addresses are routed")
}

func refuseVLANs(*call) (any, error) {
	return nil, unprocessable("network_type: every port is routed to its device and in no VLAN (layer 3); reserve addresses, or use BGP")
}
