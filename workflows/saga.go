package workflows

import (
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"millwright/activities"
)

// saga remembers how to take a run's steps back. An undo is promised before
// its step, because an attempt may take effect and lose its answer; so an undo
// must tolerate a step that never ran.
type saga struct{ undos []undo }

type undo struct {
	name    string
	restsOn []string // undos without which this one would do harm
	run     func(workflow.Context) error
}

// promise adds an undo; one of the same name is not added twice.
func (s *saga) promise(u undo) {
	if !slices.ContainsFunc(s.undos, func(p undo) bool { return p.name == u.name }) {
		s.undos = append(s.undos, u)
	}
}

// unwind takes every step back, newest first. It outlives the run's
// cancellation. One that is stuck does not keep the others from being undone,
// except those that rest on it: an address is not released while a port may
// still route it. The error, if any, tells what is stuck.
func (s *saga) unwind(ctx workflow.Context) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	var failed []string
	var stuck []error
	for _, u := range slices.Backward(s.undos) {
		if blocked := slices.IndexFunc(u.restsOn, func(name string) bool { return slices.Contains(failed, name) }); blocked >= 0 {
			failed = append(failed, u.name)
			stuck = append(stuck, fmt.Errorf("%s: not tried, because it rests on: %s", u.name, u.restsOn[blocked]))
			continue
		}
		if err := u.run(ctx); err != nil && !isType(err, activities.StaleClaim) { // stale: nothing of ours is left
			failed = append(failed, u.name)
			stuck = append(stuck, fmt.Errorf("%s: %w", u.name, err))
		}
	}
	return errors.Join(stuck...)
}
