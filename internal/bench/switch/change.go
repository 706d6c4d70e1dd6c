package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"millwright/activities"
	"millwright/internal/metal"
)

// cost is what one change of all ports took.
type cost struct {
	commits int           // that the switches counted
	most    int           // of one switch
	median  time.Duration // until a caller had its answer
	all     time.Duration // until all had
	lost    int
}

// rack parks all ports of a room, then opens them, which is what counts.
func (b *bench) rack(ctx context.Context, name string, ports, switches int) (cost, error) {
	r, err := b.room(ctx, name, ports, switches)
	if err != nil {
		return cost{}, err
	}
	var opened cost
	for _, profile := range []metal.Profile{metal.Parked, metal.Tenant} {
		if opened, err = r.change(ctx, profile); err != nil {
			return cost{}, err
		}
		fmt.Printf("%5d %8d %8s  %-13s %8d %8d %7.2fs %7.2fs %5d\n", ports, switches, commitTakes, profile,
			opened.commits, opened.most, opened.median.Seconds(), opened.all.Seconds(), opened.lost)
	}
	return opened, nil
}

// change brings every port of the room to a profile, each by a caller of its
// own, all at once, by one worker's committer.
func (r *room) change(ctx context.Context, profile metal.Profile) (cost, error) {
	before := r.commits()
	committer := activities.NewCommitter(r.store, r.driver)
	took := make([]time.Duration, len(r.claims))
	failed := make([]error, len(r.claims))
	var side sync.WaitGroup
	began := time.Now()
	for i, claim := range r.claims {
		side.Go(func() {
			want, err := r.store.SetPorts(ctx, claim, profile)
			if err == nil {
				err = committer.Bring(ctx, want)
			}
			took[i], failed[i] = time.Since(began), err
		})
	}
	side.Wait()
	c := cost{all: time.Since(began)}
	slices.Sort(took)
	c.median = took[len(took)/2]
	for i, n := range r.commits() {
		c.commits += n - before[i]
		c.most = max(c.most, n-before[i])
	}
	lost, err := r.lost(ctx, failed)
	c.lost = lost
	return c, err
}

// commits are how many each switch has counted since its start.
func (r *room) commits() []int {
	all := make([]int, len(r.switches))
	for i, s := range r.switches {
		all[i] = s.Commits()
	}
	return all
}

// lost counts machines whose caller heard an error, or whose port its switch
// does not have as intended, whatever the caller heard.
func (r *room) lost(ctx context.Context, failed []error) (int, error) {
	lost := map[metal.MachineID]bool{}
	for i, err := range failed {
		if err != nil {
			lost[r.claims[i].Machine] = true
			fmt.Fprintf(os.Stderr, "machine %s: %v\n", r.claims[i].Machine, err)
		}
	}
	for _, sw := range r.site.Switches {
		intents, err := r.store.PortIntents(ctx, sw.ID, nil)
		if err != nil {
			return 0, err
		}
		drifts, err := r.driver.Drift(ctx, sw.Switch, intents)
		if err != nil {
			return 0, err
		}
		for _, d := range drifts {
			i := slices.IndexFunc(intents, func(p metal.PortIntent) bool { return p.Port == d.Port })
			lost[intents[i].Machine] = true
			fmt.Fprintf(os.Stderr, "port %s is not as intended:\n%s", d.Port, d.Diff)
		}
	}
	return len(lost), nil
}
