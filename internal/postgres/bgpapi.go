package postgres

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

func scopeOfSession(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
	row, err := q.ScopeOfSession(ctx, id)
	return metal.Scope{Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project)}, err
}

// ProjectBGP is what a project may do with BGP; metal.ErrNotFound: nothing.
func (s *Store) ProjectBGP(ctx context.Context, project metal.ProjectID) (metal.ProjectBGP, error) {
	row, err := s.Queries().ProjectBGP(ctx, string(project))
	return metal.ProjectBGP{
		Project: project, Deployment: row.Deployment, AS: uint32(row.PeerAs), Keyed: row.Secret != "", UseCase: row.UseCase, Enabled: row.EnabledAt,
	}, notFound(err, "BGP of project %s", project)
}

// Peerings are the BGP sessions of a project.
func (s *Store) Peerings(ctx context.Context, project metal.ProjectID) ([]metal.Peering, error) {
	rows, err := s.Queries().SessionsOfProject(ctx, string(project))
	if err != nil {
		return nil, fmt.Errorf("list the BGP sessions of project %s: %w", project, err)
	}
	return each(rows, func(r query.SessionsOfProjectRow) metal.Peering { return peeringOf(query.GetSessionRow(r)) }), nil
}

// PeeringsOf are the BGP sessions of a device.
func (s *Store) PeeringsOf(ctx context.Context, device metal.DeviceID) ([]metal.Peering, error) {
	rows, err := s.Queries().SessionsOfDevice(ctx, string(device))
	if err != nil {
		return nil, fmt.Errorf("list the BGP sessions of device %s: %w", device, err)
	}
	return each(rows, func(r query.SessionsOfDeviceRow) metal.Peering { return peeringOf(query.GetSessionRow(r)) }), nil
}

// Peering is one BGP session; else metal.ErrNotFound.
func (s *Store) Peering(ctx context.Context, id string) (metal.Peering, error) {
	row, err := s.Queries().GetSession(ctx, id)
	return peeringOf(row), notFound(err, "BGP session %s", id)
}

func peeringOf(r query.GetSessionRow) metal.Peering {
	p := metal.Peering{
		ID: r.ID, Device: metal.DeviceID(r.Device), Project: metal.ProjectID(r.Project), Family: int(r.Family),
		DefaultRoute: r.DefaultRoute, State: r.State, Received: int(r.Received), Opened: r.OpenedAt,
	}
	if r.SeenAt != nil {
		p.Seen = *r.SeenAt
	}
	return p
}

// Peers are what a device has to configure for the sessions that it has: one for
// each of its links that a session goes over.
func (s *Store) Peers(ctx context.Context, device metal.DeviceID) ([]metal.Peer, error) {
	q := s.Queries()
	rows, err := q.PeersOfDevice(ctx, string(device))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	links, err := q.AddressesOf(ctx, string(device))
	if err != nil {
		return nil, fmt.Errorf("the links of device %s: %w", device, err)
	}
	reserved, err := q.ReservedBy(ctx, query.ReservedByParams{Projects: []string{rows[0].Project}, Site: rows[0].Site})
	if err != nil {
		return nil, fmt.Errorf("what device %s may announce: %w", device, err)
	}
	var all []metal.Peer
	for _, r := range rows {
		p := peerOf(r, reserved)
		for _, l := range links {
			if peersOver(l, r.Family) {
				p.Machine = assignmentOf(l).Machine()
				all = append(all, p)
			}
		}
	}
	return all, nil
}

func peerOf(r query.PeersOfDeviceRow, reserved []query.ReservedByRow) metal.Peer {
	p := metal.Peer{Family: int(r.Family), DefaultRoute: r.DefaultRoute, MachineAS: uint32(r.MachineAs), SwitchAS: uint32(r.SwitchAs), Keyed: r.Keyed}
	p.Switch = slices.DeleteFunc(slices.Clone(r.BgpAddresses), func(a netip.Addr) bool { return a.Is4() != (r.Family == 4) })
	for _, b := range reserved {
		if family(b.Prefix) == r.Family {
			p.Announce = append(p.Announce, b.Prefix)
		}
	}
	return p
}

// peersOver is the same choice as a port's intent makes: IPv4 from private
// links, IPv6 from the only kind there is; loopbacks speak to nobody.
func peersOver(l query.HeldAddress, version int32) bool {
	return family(l.Prefix) == version && l.Purpose != string(metal.Reservation) && !l.Prefix.IsSingleIP() &&
		(l.Role == string(metal.Private) || version == 6)
}
