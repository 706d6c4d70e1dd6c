package postgres

import (
	"context"
	"fmt"

	"millwright/internal/metal"
)

// StillDoubted is a machine or a switch that a survey could not tell yet, and
// why.
type StillDoubted struct {
	Machine metal.MachineID `json:"machine,omitempty"`
	Switch  metal.SwitchID  `json:"switch,omitempty"`
	Site    metal.SiteID    `json:"site"`
	Why     string          `json:"why"`
}

// SurveyCalls lists what the survey after the last restore called out, in the
// order in which it did.
func (s *Store) SurveyCalls(ctx context.Context, restore int64) ([]metal.Called, error) {
	rows, err := s.Queries().SurveyCalls(ctx, restore)
	if err != nil {
		return nil, fmt.Errorf("read what the survey called out: %w", err)
	}
	all := make([]metal.Called, len(rows))
	for i, r := range rows {
		all[i] = metal.Called{Kind: metal.CallKind(r.Kind), Site: metal.SiteID(r.Site), Machine: metal.MachineID(r.Machine), Port: r.Port,
			Device: metal.DeviceID(r.Device), Evidence: r.Evidence, Next: r.Next, At: r.At}
		if r.Prefix != nil {
			all[i].Prefix = *r.Prefix
		}
	}
	return all, nil
}

// StillDoubted lists what is in doubt after a restore, switches first.
func (s *Store) StillDoubted(ctx context.Context) ([]StillDoubted, error) {
	q := s.Queries()
	switches, err := q.StillDark(ctx)
	if err != nil {
		return nil, fmt.Errorf("list switches in doubt: %w", err)
	}
	all := []StillDoubted{}
	for _, w := range switches {
		all = append(all, StillDoubted{Switch: metal.SwitchID(w.Switch), Site: metal.SiteID(w.Site), Why: orNotYet(w.Problem, "not read yet")})
	}
	machines, err := q.StillInDoubt(ctx)
	if err != nil {
		return nil, fmt.Errorf("list machines in doubt: %w", err)
	}
	for _, m := range machines {
		all = append(all, StillDoubted{Machine: metal.MachineID(m.Machine), Site: metal.SiteID(m.Site), Why: orNotYet(m.Problem, "its agent, its switch or another switch of the site is waited for")})
	}
	return all, nil
}

func orNotYet(problem, otherwise string) string {
	if problem == "" {
		return otherwise
	}
	return problem
}
