//go:build !race

package workflows

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"millwright/internal/metal"
)

const (
	// longestRun is longer than any run may take once the world is well: an undo
	// that began in an outage goes on for a day.
	longestRun = 40 * time.Hour
	// mostRounds is how often reconcile may find something in a world that is well.
	mostRounds = 30
)

// settle heals the world, waits for the runs that are open, and has reconcile
// find what is left until it finds nothing.
func (s *story) settle(ctx workflow.Context) error {
	s.heal()
	for range mostRounds {
		if err := s.quiet(ctx); err != nil {
			return err
		}
		before := len(s.lives)
		s.start(ctx, "reconcile", Reconcile)
		if err := s.quiet(ctx); err != nil {
			return err
		}
		if len(s.lives) == before+1 { // the reconcile alone
			return nil
		}
	}
	s.broken("reconcile finds something again and again")
	return nil
}

// quiet waits until no run is open.
func (s *story) quiet(ctx workflow.Context) error {
	patience := s.clock().Add(longestRun)
	for pause := time.Second; len(s.open) > 0; pause = min(2*pause, 10*time.Minute) {
		if err := workflow.Sleep(ctx, pause+1); err != nil {
			return err
		}
		s.waits()
		if s.clock().After(patience) {
			for _, l := range s.openRuns() {
				s.broken("%s is open for %s, and the world is well", l, s.clock().Sub(l.began))
			}
			return fmt.Errorf("runs that do not end")
		}
	}
	return nil
}

// waits holds every open run to a promise: what it does is an activity, which
// has a budget, or a wait, which has a deadline and something that follows it.
func (s *story) waits() {
	for _, l := range s.openRuns() {
		if l.busy > 0 || s.clock().Sub(l.began) < time.Second {
			continue
		}
		value, err := s.env.QueryWorkflowByID(l.id, StatusQuery)
		var status Status
		if err == nil {
			err = value.Get(&status)
		}
		switch {
		case err != nil:
			s.broken("%s does not say how it stands: %v", l, err)
		case status.Deadline.IsZero() || status.Awaits == "" || status.Next == "":
			s.broken("%s waits without a deadline: %+v", l, status)
		case s.clock().After(status.Deadline.Add(time.Minute)):
			s.broken("%s waits past its deadline: %+v", l, status)
		}
	}
}

// watch holds the wires to a promise, after each effect: no address is routed to
// two ports. Elastic ones are, for the moment between two commits of a move.
func (s *story) watch() {
	holders := map[netip.Prefix]metal.Port{}
	for port, has := range s.ports {
		for _, link := range append(has.Links, has.Install) {
			if other, taken := holders[link.Prefix]; taken {
				s.broken("%s is routed to %s and to %s", link.Prefix, port, other)
			}
			holders[link.Prefix] = port
		}
	}
}

// judge holds the end of the story to all promises.
func (s *story) judge() {
	s.t.Helper()
	require.Empty(s.t, s.faults)
	require.True(s.t, s.env.IsWorkflowCompleted(), "the story never ended")
	require.NoError(s.t, s.env.GetWorkflowError())
	for _, l := range s.lives {
		if l.isStuck() {
			s.counts.Stuck++
			require.True(s.t, s.explained(l), "%s ended stuck, and nothing was away for long enough: %v", l, l.err)
		}
	}
	s.accounted()
	s.wired()
	s.answered()
	for i := range s.mood.machines {
		s.reached(i + 1)
	}
}

// explained tells whether a person is called for a reason: an undo was refused,
// something was away for as long as undos are patient, or the machine that could
// not be erased was ill.
func (s *story) explained(l *life) bool {
	if len(l.refused) > 0 {
		return true
	}
	for _, o := range s.outages {
		long := o.until.Sub(o.from) >= undoing.giveUp
		unerased := strings.Contains(l.err.Error(), "not erased") && strings.Contains(l.err.Error(), o.of) // the machine's own fault
		if (long || unerased) && o.from.Before(l.ended) && o.until.After(l.began) {
			return true
		}
	}
	return false
}

// wired holds the switches to the database: every port carries what it should,
// and the reserved address is routed to its holder alone.
func (s *story) wired() {
	s.t.Helper()
	routed := 0
	for port, has := range s.ports {
		intents, err := s.store.PortIntents(s.t.Context(), port.Switch, []string{port.Name})
		require.NoError(s.t, err)
		has.Generation = intents[0].Generation // which intent it was is not written on a switch
		require.Equal(s.t, intents[0], has, "port %s", port)
		outcomes, err := s.store.PortOutcomes(s.t.Context(), port.Switch, []string{port.Name})
		require.NoError(s.t, err)
		require.Equal(s.t, intents[0].Generation, outcomes[port.Name].Applied, "port %s waits for a commit, and no run does", port)
		routed += len(has.Routed)
	}
	require.LessOrEqual(s.t, routed, 1, "the address is routed to several ports")
}

// answered holds that whoever ordered something that was taken knows what became
// of it.
func (s *story) answered() {
	s.t.Helper()
	for _, d := range s.world.devices() {
		orders, err := s.store.Queries().OrdersOfDevice(s.t.Context(), d.ID)
		require.NoError(s.t, err)
		for _, o := range orders {
			require.Contains(s.t, []string{"done", "failed"}, o.State, "order %s of device %s", o.ID, d.ID)
		}
	}
}

// bootOf is the number of a machine's last boot that was asked for.
func (s *story) bootOf(id metal.MachineID) metal.BootNumber {
	row, err := s.store.Queries().GetBootIntent(s.t.Context(), string(id))
	if err != nil {
		s.broken("read the boot of %s: %v", id, err)
	}
	return metal.BootNumber(row.Number)
}
