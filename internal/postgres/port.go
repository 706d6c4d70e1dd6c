package postgres

import (
	"context"
	"fmt"
	"net/netip"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// SetPort writes what the port of a claimed machine should be. It raises the
// port's generation only where that changes something, so that a repeat waits
// for the same commit.
func (s *Store) SetPort(ctx context.Context, claim metal.Claim, profile metal.Profile) (metal.PortGeneration, error) {
	var want metal.PortGeneration
	err := s.in(ctx, func(q *query.Queries) error {
		if _, err := held(ctx, q, claim); err != nil {
			return err
		}
		m, err := q.GetMachine(ctx, string(claim.Machine))
		if err != nil {
			return err
		}
		device := ""
		if profile == metal.Tenant {
			device = string(claim.Device)
		}
		want.Port = metal.Port{Switch: metal.SwitchID(m.Switch), Name: m.Port}
		want.Generation, err = q.SetPort(ctx, query.SetPortParams{
			Switch: m.Switch, Name: m.Port, Profile: string(profile), Device: device,
			Reason: fmt.Sprintf("%s for device %s", m.ID, claim.Device),
		})
		return err
	})
	return want, err
}

// PortIntents are the named ports of a switch as they should be; all of them
// where none is named.
func (s *Store) PortIntents(ctx context.Context, id metal.SwitchID, names []string) (metal.Switch, []metal.PortIntent, error) {
	q := s.Queries()
	row, err := q.GetSwitch(ctx, string(id))
	if err != nil {
		return metal.Switch{}, nil, fmt.Errorf("switch %s: %w", id, err)
	}
	sw := metal.Switch{ID: id, Site: metal.SiteID(row.Site), Address: row.Address, HostKey: row.HostKey, Credential: row.Credential}
	ports, err := q.PortIntents(ctx, query.PortIntentsParams{Switch: string(id), Names: notNil(names)})
	if err != nil {
		return sw, nil, fmt.Errorf("switch %s: its ports: %w", id, err)
	}
	links, err := q.LinksOfPorts(ctx, query.LinksOfPortsParams{Switch: string(id), Names: notNil(names)})
	if err != nil {
		return sw, nil, fmt.Errorf("switch %s: its ports' links: %w", id, err)
	}
	byPort, routed := map[string][]metal.Link{}, map[string][]netip.Prefix{}
	for _, l := range links {
		if l.Purpose == string(metal.Reservation) {
			routed[l.Name] = append(routed[l.Name], l.Prefix)
			continue
		}
		byPort[l.Name] = append(byPort[l.Name], metal.Link{Prefix: l.Prefix, Role: metal.Role(l.Role)})
	}
	intents := make([]metal.PortIntent, len(ports))
	for i, p := range ports {
		intents[i] = metal.PortIntent{
			Port: metal.Port{Switch: id, Name: p.Name}, Profile: metal.Profile(p.Profile), Generation: p.Generation,
			Machine: metal.MachineID(p.Machine), Device: metal.DeviceID(p.Device),
			Install: metal.Link{Prefix: p.Install, Role: metal.Install},
			Links:   byPort[p.Name], Routed: routed[p.Name], Boot: append([]netip.Addr(nil), p.Boot...),
		}
	}
	return sw, intents, nil
}

// PortsApplied notes what was read back from the switch. Safe to repeat; a
// later change of intent stays pending.
func (s *Store) PortsApplied(ctx context.Context, ports []metal.PortIntent) error {
	return s.in(ctx, func(q *query.Queries) error {
		for _, p := range ports {
			err := q.MarkApplied(ctx, query.MarkAppliedParams{Generation: p.Generation, Switch: string(p.Port.Switch), Name: p.Port.Name})
			if err != nil {
				return fmt.Errorf("port %s: note that it was read back: %w", p.Port, err)
			}
		}
		return nil
	})
}
