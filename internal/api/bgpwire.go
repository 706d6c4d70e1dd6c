package api

import (
	"millwright/internal/metal"
)

// localAS is what a project's devices speak as that names no AS number: Packet's.
const localAS = 65000

// BGPConfig is what a project may do with BGP, on the wire.
type BGPConfig struct {
	ID             string       `json:"id"`
	Href           string       `json:"href"`
	Status         string       `json:"status"` // enabled; there is no other one here
	DeploymentType string       `json:"deployment_type"`
	ASN            uint32       `json:"asn"`
	MD5            *string      `json:"md5"` // never: operators keep keys
	UseCase        string       `json:"use_case,omitempty"`
	Project        href         `json:"project"`
	Sessions       []BGPSession `json:"sessions"`
	Ranges         []href       `json:"ranges"`
	CreatedAt      *string      `json:"created_at"`
	RequestedAt    *string      `json:"requested_at"`
}

// BGPConfigInput is what BGP is asked for with.
type BGPConfigInput struct {
	DeploymentType string `json:"deployment_type"`
	ASN            int64  `json:"asn,omitempty"`
	MD5            string `json:"md5,omitempty"` // refused: see config
	UseCase        string `json:"use_case,omitempty"`
}

// config reads what is wanted. A key for the sessions is not taken: it would
// have to stand in the database, where operators keep the names of keys alone.
func (in BGPConfigInput) config(operator bool) (b metal.ProjectBGP, err error) {
	if in.ASN == 0 && in.DeploymentType == metal.LocalBGP {
		in.ASN = localAS
	}
	switch {
	case in.DeploymentType != metal.LocalBGP && in.DeploymentType != metal.GlobalBGP:
		return b, unprocessable("deployment_type: %q; say local", in.DeploymentType)
	case in.MD5 != "":
		return b, unprocessable("md5: operators of this installation set keys of BGP sessions, so that none stands in its database; leave it out, and ask them")
	case in.DeploymentType == metal.GlobalBGP && !operator:
		return b, unprocessable("deployment_type: operators of this installation enable global BGP, once they know that the AS number is yours; ask them, or say local")
	}
	if wrong := metal.CheckAS(in.DeploymentType, in.ASN); wrong != "" {
		return b, unprocessable("asn: %d %s", in.ASN, wrong)
	}
	if err := checkText("use_case", in.UseCase, maxDetails); err != nil {
		return b, err
	}
	return metal.ProjectBGP{Deployment: in.DeploymentType, AS: uint32(in.ASN), UseCase: in.UseCase}, nil
}

func bgpWire(b metal.ProjectBGP, sessions []metal.Peering) BGPConfig {
	project := link("projects", string(b.Project))
	return BGPConfig{
		ID: stableID("bgp", string(b.Project)), Href: project + "/bgp-config", Status: "enabled", DeploymentType: b.Deployment, ASN: b.AS,
		UseCase: b.UseCase, Project: href{project}, Sessions: sessionsWire(sessions), Ranges: []href{},
		CreatedAt: stamp(b.Enabled), RequestedAt: stamp(b.Enabled),
	}
}

// BGPSession is a device's session with its switch, on the wire.
type BGPSession struct {
	ID            string  `json:"id"`
	Href          string  `json:"href"`
	AddressFamily string  `json:"address_family"` // ipv4 or ipv6
	Status        string  `json:"status"`         // unknown, up or down
	DefaultRoute  bool    `json:"default_route"`
	Device        href    `json:"device"`
	CreatedAt     *string `json:"created_at"`
	UpdatedAt     *string `json:"updated_at"`
}

// BGPSessionList is all of a project's or a device's.
type BGPSessionList struct {
	Sessions []BGPSession `json:"bgp_sessions"`
}

// BGPSessionInput is what a session is opened or changed with.
type BGPSessionInput struct {
	AddressFamily string `json:"address_family"`
	DefaultRoute  *bool  `json:"default_route,omitempty"`
}

func versionName(family int) string {
	if family == 4 {
		return "ipv4"
	}
	return "ipv6"
}

func sessionsWire(all []metal.Peering) []BGPSession {
	wire := make([]BGPSession, len(all))
	for i, p := range all {
		wire[i] = sessionWire(p)
	}
	return wire
}

func sessionWire(p metal.Peering) BGPSession {
	status, seen := "down", p.Seen
	switch {
	case p.State == "":
		status, seen = "unknown", p.Opened
	case p.State == "Established": // RFC 4271
		status = "up"
	}
	return BGPSession{
		ID: p.ID, Href: link("bgp", "sessions", p.ID), AddressFamily: versionName(p.Family), Status: status, DefaultRoute: p.DefaultRoute,
		Device: href{link("devices", string(p.Device))}, CreatedAt: stamp(p.Opened), UpdatedAt: stamp(seen),
	}
}

// BGPNeighbor is what a device has to configure for one session over one of its
// links.
type BGPNeighbor struct {
	AddressFamily int        `json:"address_family"` // 4 or 6
	CustomerAS    uint32     `json:"customer_as"`
	CustomerIP    string     `json:"customer_ip"`
	MD5Enabled    bool       `json:"md5_enabled"`
	MD5Password   *string    `json:"md5_password"` // never: operators hand keys out
	Multihop      bool       `json:"multihop"`     // always: switches listen at an address that is the same in every rack
	PeerAS        uint32     `json:"peer_as"`
	PeerIPs       []string   `json:"peer_ips"`
	RoutesIn      []BGPRoute `json:"routes_in"`
	RoutesOut     []BGPRoute `json:"routes_out"`
}

// BGPRoute is what one side accepts of the other.
type BGPRoute struct {
	Route string `json:"route"`
	Exact bool   `json:"exact"`
}

// BGPNeighborList is all of a device's.
type BGPNeighborList struct {
	Neighbors []BGPNeighbor `json:"bgp_neighbors"`
}

func neighborWire(p metal.Peer) BGPNeighbor {
	n := BGPNeighbor{
		AddressFamily: p.Family, CustomerAS: p.MachineAS, CustomerIP: p.Machine.String(), MD5Enabled: p.Keyed, Multihop: true, PeerAS: p.SwitchAS,
		PeerIPs: []string{}, RoutesIn: []BGPRoute{}, RoutesOut: []BGPRoute{},
	}
	for _, a := range p.Switch {
		n.PeerIPs = append(n.PeerIPs, a.String())
	}
	for _, a := range p.Announce {
		n.RoutesIn = append(n.RoutesIn, BGPRoute{Route: a.String()})
	}
	if p.DefaultRoute {
		everything := map[int]string{4: "0.0.0.0/0", 6: "::/0"}[p.Family]
		n.RoutesOut = append(n.RoutesOut, BGPRoute{Route: everything, Exact: true})
	}
	return n
}
