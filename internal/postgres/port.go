package postgres

import (
	"context"
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// SetPorts writes what the ports of a claimed machine should be. It raises a
// port's generation only where that changes something, so that a repeat waits
// for the same commit; a port that its switch refused is judged again. The
// device is locked first, as in a move of its addresses: a port either opens
// with what its device has, or is told of the change.
func (s *Store) SetPorts(ctx context.Context, claim metal.Claim, profile metal.Profile) ([]metal.PortGeneration, error) {
	var want []metal.PortGeneration
	err := s.in(ctx, func(q *query.Queries) error {
		if claim.Device != "" { // a run of the machine's own has none
			if _, err := lockDevice(ctx, q, claim.Device); err != nil {
				return err
			}
		}
		if _, err := held(ctx, q, claim); err != nil {
			return err
		}
		device := ""
		if profile == metal.Tenant {
			device = string(claim.Device)
		}
		rows, err := q.SetPorts(ctx, query.SetPortsParams{
			Machine: string(claim.Machine), Profile: string(profile), Device: device,
			Reason: why(claim, profile),
		})
		for _, r := range rows {
			want = append(want, metal.PortGeneration{
				Port: metal.Port{Switch: metal.SwitchID(r.Switch), Name: r.Name}, Generation: r.Generation,
			})
		}
		return err
	})
	return want, err
}

// why is what a commit says of a port, in the switch's own history.
func why(claim metal.Claim, profile metal.Profile) string {
	if claim.Device == "" {
		return fmt.Sprintf("%s %s", claim.Machine, profile)
	}
	return fmt.Sprintf("%s %s for device %s", claim.Machine, profile, claim.Device)
}

// Switch is a switch as its driver needs it.
func (s *Store) Switch(ctx context.Context, id metal.SwitchID) (metal.Switch, error) {
	row, err := s.Queries().GetSwitch(ctx, string(id))
	if err != nil {
		return metal.Switch{}, fmt.Errorf("switch %s: %w", id, err)
	}
	return metal.Switch{
		ID: id, Site: metal.SiteID(row.Site), Address: row.Address, HostKey: row.HostKey, Credential: row.Credential,
		Driver: row.Driver, Repair: row.Repair, FilterTerms: int(row.FilterTerms),
	}, nil
}

// PortsCommitted notes what became of ports that were in one commit, and keeps
// the commit for the switch's history. A change of intent since then stays
// pending. Safe to repeat, but for the history.
func (s *Store) PortsCommitted(ctx context.Context, id metal.SwitchID, change metal.Change, done metal.Committed) error {
	return s.in(ctx, func(q *query.Queries) error {
		var refused []string
		for _, p := range change.Ports {
			err := error(nil)
			if why, no := done.Refused[p.Port]; no {
				refused = append(refused, p.Port.Name+": "+why)
				err = q.MarkRefused(ctx, query.MarkRefusedParams{Switch: string(id), Name: p.Port.Name, Generation: p.Generation, Why: why})
			} else {
				err = q.MarkApplied(ctx, query.MarkAppliedParams{Switch: string(id), Name: p.Port.Name, Generation: p.Generation})
			}
			if err != nil {
				return fmt.Errorf("port %s: note what its switch said: %w", p.Port, err)
			}
		}
		if len(done.Changed) == 0 && len(refused) == 0 {
			return nil // all was so already
		}
		changed := []string{}
		for _, p := range done.Changed {
			changed = append(changed, p.Name)
		}
		return q.InsertCommit(ctx, query.InsertCommitParams{
			Switch: string(id), Comment: change.Comment, Ports: changed, Refused: notNil(refused), Diff: done.Diff,
		})
	})
}

// PortOutcomes says how it went with ports of a switch, as of which generation.
func (s *Store) PortOutcomes(ctx context.Context, id metal.SwitchID, names []string) (map[string]metal.PortOutcome, error) {
	rows, err := s.Queries().PortOutcomes(ctx, query.PortOutcomesParams{Switch: string(id), Names: notNil(names)})
	if err != nil {
		return nil, fmt.Errorf("switch %s: how its ports stand: %w", id, err)
	}
	outcomes := map[string]metal.PortOutcome{}
	for _, r := range rows {
		o := metal.PortOutcome{Applied: r.Applied}
		if r.Refused != nil && r.Refusal != nil {
			o.Refused, o.Why = *r.Refused, *r.Refusal
		}
		outcomes[r.Name] = o
	}
	return outcomes, nil
}
