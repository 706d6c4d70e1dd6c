package main

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
)

// enrolEvery is how often those that are waited for are looked at: what they
// do takes minutes.
const enrolEvery = time.Second

// enrolWatch follows BMCs until each is a machine that somebody can have, or
// has to look at.
type enrolWatch struct {
	a     *app
	store *postgres.Store
	site  metal.SiteID
	began time.Time
	last  map[metal.MachineID]string // what was said last of each
	bad   int
}

func (c enrolCommand) wait(ctx context.Context, a *app, store *postgres.Store, wishes []enrolWish) error {
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	w := &enrolWatch{a: a, store: store, site: c.Site, began: time.Now(), last: map[metal.MachineID]string{}}
	away := false
	for {
		left, err := w.look(limited, wishes)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case limited.Err() != nil:
			return fmt.Errorf("%d machines are not done after %s, and go on; see starter machine list --site %s", len(wishes), c.Timeout, c.Site)
		case err != nil && !away: // a Postgres that is away for a moment is waited for
			fmt.Fprintf(a.errs, "starter: %s; the runs go on, and so does waiting\n", inWords(err))
		case err == nil && len(left) == 0:
			return w.verdict()
		case err == nil:
			wishes = left
		}
		away = err != nil
		select {
		case <-limited.Done():
		case <-time.After(enrolEvery):
		}
	}
}

func (w *enrolWatch) verdict() error {
	if w.bad == 0 {
		return nil
	}
	fmt.Fprintf(w.a.errs, "starter: not idle: %d; see starter enrolments, starter machine issues --site %s\n", w.bad, w.site)
	return errSaid
}

// look answers with those that are still under way.
func (w *enrolWatch) look(ctx context.Context, wishes []enrolWish) ([]enrolWish, error) {
	enrolments, err := w.store.Queries().ListEnrolments(ctx, query.ListEnrolmentsParams{Site: string(w.site), Most: 1 << 20})
	if err != nil {
		return nil, fmt.Errorf("read enrolments: %w", err)
	}
	machines, err := w.store.Queries().ListFleet(ctx, query.ListFleetParams{Site: string(w.site)})
	if err != nil {
		return nil, fmt.Errorf("list machines: %w", err)
	}
	ended := map[string]query.Enrolment{}
	for _, e := range enrolments {
		if e.DoneAt != nil {
			ended[e.ID] = e
		}
	}
	fleet := map[metal.MachineID]query.ListFleetRow{}
	for _, m := range machines {
		fleet[metal.MachineID(m.ID)] = m
	}
	var left []enrolWish
	for _, wish := range wishes {
		if !w.over(wish, ended[wish.ID], fleet[wish.Machine]) {
			left = append(left, wish)
		}
	}
	return left, nil
}

// admitted is how an enrolment ends of which a machine came.
const admitted = "admitted"

// over says what is new of one, and reports whether that was the last.
func (w *enrolWatch) over(wish enrolWish, e query.Enrolment, m query.ListFleetRow) bool {
	switch {
	case e.DoneAt != nil && e.Outcome != admitted:
		w.bad++
		w.say(wish.Machine, "refused", e.Outcome)
		return true
	case m.ID == "":
		w.say(wish.Machine, "asked", "its BMC is asked who it is")
		return false
	}
	w.say(wish.Machine, m.State, m.Reason)
	switch metal.MachineState(m.State) {
	case metal.Idle, metal.Occupied:
		return true
	case metal.Quarantined, metal.Maintenance, metal.Retired:
		w.bad++
		return true
	}
	return false
}

func (w *enrolWatch) say(machine metal.MachineID, state, why string) {
	if w.last[machine] == state {
		return
	}
	w.last[machine] = state
	since := time.Since(w.began).Seconds()
	if w.a.Output == "json" {
		_ = printJSON(w.a.out, map[string]any{"seconds": since, "machine": machine, "state": state, "reason": why})
		return
	}
	fmt.Fprintf(w.a.out, "%7.2fs  %-16s %-11s %s\n", since, machine, state, harmless(why))
}
