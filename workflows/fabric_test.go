package workflows

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"millwright/activities"
	"millwright/internal/metal"
)

// air is what befalls a switch, and what it hears.
type air struct {
	away      bool
	refuses   map[string]string // ports that it refuses to change, and its words
	neighbors []metal.Neighbor
	sessions  []metal.BGPSession
	commits   int
}

// fabric is every switch of the site.
type fabric struct{ *world }

func (s fabric) Apply(ctx context.Context, sw metal.Switch, pending func(context.Context) (metal.Change, error)) (metal.Committed, error) {
	s.mu.Lock()
	a := s.air[sw.ID]
	away := a.away
	s.mu.Unlock()
	if away {
		return metal.Committed{}, errors.New("switch " + string(sw.ID) + " is away")
	}
	change, err := pending(ctx)
	if err != nil {
		return metal.Committed{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	done := metal.Committed{Refused: map[metal.Port]string{}}
	for _, p := range change.Ports {
		switch why, no := a.refuses[p.Port.Name]; {
		case same(s.ports[p.Port], p):
		case no:
			done.Refused[p.Port] = why
		default:
			s.ports[p.Port] = p
			done.Changed = append(done.Changed, p.Port)
		}
	}
	if len(done.Changed) > 0 {
		a.commits++
	}
	return done, s.answer()
}

// same tells whether a port carries what is intended; which intent it was is
// not written on a switch.
func same(has, want metal.PortIntent) bool {
	has.Generation, want.Generation = 0, 0
	return reflect.DeepEqual(has, want)
}

func (s fabric) Drift(_ context.Context, sw metal.Switch, ports []metal.PortIntent) ([]metal.Drift, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.air[sw.ID].away {
		return nil, errors.New("switch " + string(sw.ID) + " is away")
	}
	var found []metal.Drift
	for _, p := range ports {
		if has := s.ports[p.Port]; !same(has, p) {
			found = append(found, metal.Drift{Port: p.Port, Diff: fmt.Sprintf("- %v\n+ %v", has, p)})
		}
	}
	return found, nil
}

func (s fabric) Plan(ctx context.Context, sw metal.Switch, ports []metal.PortIntent) (string, error) {
	drifts, err := s.Drift(ctx, sw, ports)
	return fmt.Sprint(drifts), err
}

func (s fabric) Neighbors(_ context.Context, sw metal.Switch) ([]metal.Neighbor, error) {
	return s.air[sw.ID].neighbors, nil
}

func (s fabric) Sessions(_ context.Context, sw metal.Switch) ([]metal.BGPSession, error) {
	return s.air[sw.ID].sessions, nil
}

var (
	_ activities.SwitchDriver = fabric{}
	_ activities.SwitchReader = fabric{}
)
