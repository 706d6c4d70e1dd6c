package postgres

import (
	"context"
	"fmt"
	"slices"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Cables says where each NIC of a switch's site should be heard: the physical
// port, by the NIC's MAC.
func (s *Store) Cables(ctx context.Context, id metal.SwitchID) (map[string]metal.Cable, error) {
	rows, err := s.Queries().CablesByMAC(ctx, string(id))
	if err != nil {
		return nil, fmt.Errorf("switch %s: its declared cabling: %w", id, err)
	}
	cables := map[string]metal.Cable{}
	for _, r := range rows {
		cables[r.Mac] = metal.Cable{
			Machine: metal.MachineID(r.Machine),
			Port:    metal.Port{Switch: metal.SwitchID(r.Switch), Name: r.Port},
		}
	}
	return cables, nil
}

// RecordCheck replaces what the check before found on a switch. Since when a
// thing is so stays as the first check saw it.
func (s *Store) RecordCheck(ctx context.Context, id metal.SwitchID, found metal.SwitchCheck) error {
	err := s.in(ctx, func(q *query.Queries) error {
		if err := recordDrifts(ctx, q, id, found.Drifts); err != nil {
			return err
		}
		if err := recordMiscablings(ctx, q, id, found.Miscablings); err != nil {
			return err
		}
		for _, sess := range found.Sessions {
			if err := s.sawSession(ctx, q, sess); err != nil {
				return err
			}
		}
		return q.MarkChecked(ctx, string(id))
	})
	if err != nil {
		return fmt.Errorf("switch %s: record its check: %w", id, err)
	}
	return nil
}

func recordDrifts(ctx context.Context, q *query.Queries, id metal.SwitchID, drifts []metal.Drift) error {
	ports := []string{}
	for _, d := range drifts {
		ports = append(ports, d.Port.Name)
		if err := q.UpsertDrift(ctx, query.UpsertDriftParams{Switch: string(id), Port: d.Port.Name, Diff: d.Diff}); err != nil {
			return err
		}
	}
	return q.ClearDrifts(ctx, query.ClearDriftsParams{Switch: string(id), Ports: ports})
}

func recordMiscablings(ctx context.Context, q *query.Queries, id metal.SwitchID, found []metal.Miscabling) error {
	ports := []string{}
	for _, m := range found {
		ports = append(ports, m.Heard.Name)
		err := q.UpsertMiscabling(ctx, query.UpsertMiscablingParams{
			Switch: string(id), Port: m.Heard.Name, Machine: string(m.Machine), Declared: m.Declared.String(),
		})
		if err != nil {
			return err
		}
	}
	return q.ClearMiscablings(ctx, query.ClearMiscablingsParams{Switch: string(id), Ports: ports})
}

func (s *Store) sawSession(ctx context.Context, q *query.Queries, sess metal.BGPSession) error {
	family := int32(6)
	if sess.Machine.Is4() {
		family = 4
	}
	return q.SawSession(ctx, query.SawSessionParams{
		Switch: string(sess.Port.Switch), Port: sess.Port.Name, Family: family,
		State: sess.State, Received: int32(sess.Received), Accepted: int32(sess.Accepted),
	})
}

// RepairPorts asks for a commit of ports that are not as intended.
func (s *Store) RepairPorts(ctx context.Context, id metal.SwitchID, ports []metal.Port) ([]metal.PortGeneration, error) {
	names := make([]string, len(ports))
	for i, p := range ports {
		names[i] = p.Name
	}
	rows, err := s.Queries().BumpNamed(ctx, query.BumpNamedParams{Switch: string(id), Names: names, Reason: "repair of drift"})
	if err != nil {
		return nil, fmt.Errorf("switch %s: ask for a repair of %v: %w", id, names, err)
	}
	all := make([]metal.PortGeneration, len(rows))
	for i, r := range rows {
		all[i] = metal.PortGeneration{Port: metal.Port{Switch: id, Name: r.Name}, Generation: r.Generation}
	}
	return all, nil
}

// Switches are those with ports, by site.
func (s *Store) Switches(ctx context.Context) ([]metal.Switch, error) {
	rows, err := s.Queries().SwitchesOf(ctx)
	if err != nil {
		return nil, fmt.Errorf("list switches: %w", err)
	}
	all := make([]metal.Switch, len(rows))
	for i, r := range rows {
		all[i] = metal.Switch{ID: metal.SwitchID(r.ID), Site: metal.SiteID(r.Site), Repair: r.Repair}
	}
	return all, nil
}

// SaveAnswer keeps what a run was asked to see of a switch, for a day: too
// large for a history.
func (s *Store) SaveAnswer(ctx context.Context, run string, id metal.SwitchID, body string) error {
	q := s.Queries()
	if err := q.DropAnswers(ctx); err != nil {
		return fmt.Errorf("switch %s: drop old answers: %w", id, err)
	}
	if err := q.SaveAnswer(ctx, query.SaveAnswerParams{ID: run, Switch: string(id), Body: body}); err != nil {
		return fmt.Errorf("switch %s: keep its answer: %w", id, err)
	}
	return nil
}

// SetSession turns a device's BGP session of one family on or off, and returns
// the ports to be brought. Safe to repeat.
func (s *Store) SetSession(ctx context.Context, device metal.DeviceID, family int, on bool) ([]metal.PortGeneration, error) {
	var all []metal.PortGeneration
	err := s.in(ctx, func(q *query.Queries) error {
		d, err := lockDevice(ctx, q, device)
		if err != nil {
			return err
		}
		if on {
			err = openSession(ctx, q, d, int32(family))
		} else {
			err = q.CloseSession(ctx, query.CloseSessionParams{Device: d.ID, Family: int32(family)})
		}
		if err != nil {
			return err
		}
		all, err = bump(ctx, q, fmt.Sprintf("BGP of device %s", device), device)
		return err
	})
	return all, err
}

// SessionOn tells whether a device's BGP session of one family is on.
func (s *Store) SessionOn(ctx context.Context, device metal.DeviceID, family int) (on bool, err error) {
	err = s.in(ctx, func(q *query.Queries) error {
		if _, err := lockDevice(ctx, q, device); err != nil {
			return err
		}
		rows, err := q.ListSessions(ctx, query.ListSessionsParams{Device: string(device)})
		on = slices.ContainsFunc(rows, func(r query.ListSessionsRow) bool { return int(r.Family) == family })
		return err
	})
	return on, err
}

func openSession(ctx context.Context, q *query.Queries, d query.Device, family int32) error {
	if err := mayPeer(ctx, q, d); err != nil {
		return err
	}
	return q.OpenSession(ctx, query.OpenSessionParams{Device: d.ID, Family: family})
}

// mayPeer refuses a device that is going, or where BGP is not set up.
func mayPeer(ctx context.Context, q *query.Queries, d query.Device) error {
	alive := []metal.DeviceState{metal.Queued, metal.Provisioning, metal.Reinstalling, metal.Active, metal.Inactive, metal.PoweringOn, metal.PoweringOff}
	if !slices.Contains(alive, metal.DeviceState(d.State)) {
		return fmt.Errorf("device %s is %s, and has no BGP: %w", d.ID, d.State, metal.ErrWrongState)
	}
	if _, err := q.ProjectBGP(ctx, d.Project); err != nil {
		return fmt.Errorf("device %s: project %s has no BGP; enable it first: %w", d.ID, d.Project, metal.ErrWrongState)
	}
	site, err := q.GetSite(ctx, d.Site)
	if err != nil {
		return fmt.Errorf("site %s: %w", d.Site, err)
	}
	if site.AsNumber == nil {
		return fmt.Errorf("device %s: site %s has no BGP; give its file a bgp section: %w", d.ID, d.Site, metal.ErrUnsupported)
	}
	return nil
}

// bump asks for another commit of the ports of devices: what they may use has
// changed.
func bump(ctx context.Context, q *query.Queries, reason string, devices ...metal.DeviceID) ([]metal.PortGeneration, error) {
	names := []string{}
	for _, d := range devices {
		names = append(names, string(d))
	}
	rows, err := q.BumpPorts(ctx, query.BumpPortsParams{Devices: names, Reason: reason})
	all := make([]metal.PortGeneration, len(rows))
	for i, r := range rows {
		all[i] = metal.PortGeneration{Port: metal.Port{Switch: metal.SwitchID(r.Switch), Name: r.Name}, Generation: r.Generation}
	}
	return all, err
}
