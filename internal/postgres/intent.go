package postgres

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// prefixLimit is how many prefixes a machine may announce in a session: more
// than any of ours needs, and few enough for a switch to hold.
const prefixLimit = 10

// PortIntents are the named ports of a switch as they should be; all of them
// where none is named.
func (s *Store) PortIntents(ctx context.Context, id metal.SwitchID, names []string) ([]metal.PortIntent, error) {
	change, err := s.intents(ctx, query.PortIntentsParams{Switch: string(id), Names: notNil(names)})
	return change.Ports, err
}

// PendingPorts are the ports of a switch whose intent was not read back yet,
// but for those that the switch has refused.
func (s *Store) PendingPorts(ctx context.Context, id metal.SwitchID) (metal.Change, error) {
	change, err := s.intents(ctx, query.PortIntentsParams{Switch: string(id), Names: []string{}, Pending: true})
	if err != nil {
		return change, err
	}
	return certain(ctx, s.Queries(), id, change)
}

// intents reads all from one snapshot: ports of one moment with leases of
// another would be an intent that nobody had.
func (s *Store) intents(ctx context.Context, of query.PortIntentsParams) (change metal.Change, err error) {
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.pool, snapshot, func(tx pgx.Tx) error {
		change, err = intents(ctx, query.New(tx), of)
		return err
	})
	return change, err
}

func intents(ctx context.Context, q *query.Queries, of query.PortIntentsParams) (metal.Change, error) {
	var change metal.Change
	rows, err := q.PortIntents(ctx, of)
	if err != nil {
		return change, fmt.Errorf("switch %s: its ports: %w", of.Switch, err)
	}
	leases, err := leasesOf(ctx, q, rows, of.Switch)
	if err != nil {
		return change, err
	}
	announced, err := announced(ctx, q, rows, of.Switch)
	if err != nil {
		return change, err
	}
	var reasons []string
	for _, row := range rows {
		change.Ports = append(change.Ports, intent(row, leases[row.Name], announced[row.Project]))
		reasons = append(reasons, row.Reason)
	}
	change.Comment = comment(reasons)
	return change, nil
}

// comment tells on the switch who changed what: all of it where that is short.
func comment(reasons []string) string {
	const enough = 3
	if len(reasons) <= enough {
		return "millwright: " + strings.Join(reasons, "; ")
	}
	return fmt.Sprintf("millwright: %s and %d more ports", strings.Join(reasons[:enough], "; "), len(reasons)-enough)
}

func leasesOf(ctx context.Context, q *query.Queries, rows []query.PortIntentsRow, id string) (map[string][]query.LeasesOfPortsRow, error) {
	names := []string{}
	for _, r := range rows {
		names = append(names, r.Name)
	}
	leases, err := q.LeasesOfPorts(ctx, query.LeasesOfPortsParams{Switch: id, Names: names})
	if err != nil {
		return nil, fmt.Errorf("switch %s: the leases of its ports: %w", id, err)
	}
	byPort := map[string][]query.LeasesOfPortsRow{}
	for _, l := range leases {
		byPort[l.Name] = append(byPort[l.Name], l)
	}
	return byPort, nil
}

// announced is what the machines of each project with BGP may announce: its
// reservations, whole or in parts.
func announced(ctx context.Context, q *query.Queries, rows []query.PortIntentsRow, id string) (map[string][]netip.Prefix, error) {
	projects := []string{}
	for _, r := range rows {
		if speaksBGP(r) {
			projects = append(projects, r.Project)
		}
	}
	if len(projects) == 0 {
		return nil, nil
	}
	sw, err := q.GetSwitch(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("switch %s: %w", id, err)
	}
	reserved, err := q.ReservedBy(ctx, query.ReservedByParams{Projects: projects, Site: sw.Site})
	if err != nil {
		return nil, fmt.Errorf("switch %s: what its machines may announce: %w", id, err)
	}
	byProject := map[string][]netip.Prefix{}
	for _, r := range reserved {
		byProject[r.Project] = append(byProject[r.Project], r.Prefix)
	}
	return byProject, nil
}

// speaksBGP tells whether a port has sessions: its device asked for them, or
// has ports on several switches, whose routes only the machine itself can tell.
func speaksBGP(r query.PortIntentsRow) bool {
	return r.Profile == string(metal.Tenant) && (len(r.Sessions) > 0 || r.Ports > 1)
}

// intent puts together what one port should be.
func intent(row query.PortIntentsRow, leases []query.LeasesOfPortsRow, announced []netip.Prefix) metal.PortIntent {
	p := metal.PortIntent{
		Port:    metal.Port{Switch: metal.SwitchID(row.Switch), Name: row.Name},
		Profile: metal.Profile(row.Profile), Generation: row.Generation, Members: row.Members, Advertise: row.Advertise,
		Machine: metal.MachineID(row.Machine), Device: metal.DeviceID(row.Device),
		Install: metal.Link{Prefix: row.Install, Role: metal.Install},
		Boot:    append([]netip.Addr(nil), row.Boot...),
	}
	var loopbacks []netip.Prefix
	for _, l := range leases {
		switch {
		case l.Purpose == string(metal.Reservation):
			if row.Position == 0 {
				p.Routed = append(p.Routed, l.Prefix)
			}
		case strings.HasPrefix(l.Ask, loopbackAsk):
			loopbacks = append(loopbacks, l.Prefix)
		case portOfAsk(l.Ask) == row.Position:
			p.Links = append(p.Links, metal.Link{Prefix: l.Prefix, Role: metal.Role(l.Role)})
		}
	}
	if speaksBGP(row) {
		p.BGP = peering(row, p.Links, append(loopbacks, announced...))
	}
	return p
}

// peering is how the machine behind a port peers with its switch: IPv4 from
// its private link, IPv6 from the only one there is. Nil where the site has no
// BGP, or nothing may be announced.
func peering(row query.PortIntentsRow, links []metal.Link, announce []netip.Prefix) *metal.BGP {
	if row.AsNumber == nil || len(announce) == 0 {
		return nil
	}
	b := &metal.BGP{
		LocalAS: uint32(*row.AsNumber), PeerAS: uint32(row.ProjectAs), Secret: row.BgpSecret,
		Switch: row.BgpAddresses, Announce: announce, Limit: prefixLimit,
	}
	if b.PeerAS == 0 && row.PeerAs != nil {
		b.PeerAS = uint32(*row.PeerAs)
	}
	for _, l := range links {
		if row.Ports == 1 && !slices.Contains(row.Sessions, family(l.Prefix)) {
			continue
		}
		if l.Role == metal.Private || l.Prefix.Addr().Is6() {
			b.Machine = append(b.Machine, l.Machine())
		}
	}
	if len(b.Machine) == 0 {
		return nil
	}
	return b
}

func family(p netip.Prefix) int32 {
	if p.Addr().Is4() {
		return 4
	}
	return 6
}
