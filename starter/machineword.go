package main

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// word is what every command takes by which a person answers for a machine.
type word struct {
	namedMachine `embed:""`
	By           string `env:"USER" default:"an operator" help:"Who says so."`
}

// reason is why; it stands in the machine's events.
type reason struct {
	Reason string `env:"-" required:"" help:"Why; it is kept."`
}

// say gives the word and prints what it did.
func (w word) say(ctx context.Context, a *app, given metal.Word, do func(*postgres.Store, context.Context, metal.Word) error, done string) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	given.Machine, given.By = w.Name, w.By
	if err := do(store, ctx, given); err != nil {
		return err
	}
	if a.Output == "json" {
		m, err := store.Queries().GetMachine(ctx, string(w.Name))
		if err != nil {
			return fmt.Errorf("read machine %s: %w", w.Name, err)
		}
		return printJSON(a.out, map[string]any{"machine": m.ID, "state": m.State, "health": m.Health})
	}
	_, err = fmt.Fprintf(a.out, "machine %s %s\n", w.Name, done)
	return err
}

type machineQuarantineCommand struct {
	word   `embed:""`
	reason `embed:""`
}

// Run opens an issue of the kind manual, which keeps the machine from the pool.
func (c machineQuarantineCommand) Run(ctx context.Context, a *app) error {
	return c.say(ctx, a, metal.Word{Note: c.Reason}, (*postgres.Store).Quarantine, "is quarantined; the ways out: starter machine show "+string(c.Name))
}

type machineReleaseCommand struct {
	word   `embed:""`
	reason `embed:""`
}

// Run frees the machine, if it holds nothing of anybody.
func (c machineReleaseCommand) Run(ctx context.Context, a *app) error {
	return c.say(ctx, a, metal.Word{Note: c.Reason}, (*postgres.Store).Vouch, vouched)
}

const vouched = "is idle, and may be claimed"

type machineMaintainCommand struct {
	word   `embed:""`
	reason `embed:""`
	Until  string `env:"-" required:"" placeholder:"WHEN" help:"When it should be over: a time as 2026-01-02T15:04:05Z, or from now as 4h or 3d. After that it goes to quarantine, where somebody sees it."`
}

// Run takes the machine for a person.
func (c machineMaintainCommand) Run(ctx context.Context, a *app) error {
	until, err := laterThan(time.Now(), c.Until)
	if err != nil {
		return usage(err)
	}
	return c.say(ctx, a, metal.Word{Note: c.Reason, Until: until}, (*postgres.Store).Maintain,
		fmt.Sprintf("is yours until %s; give it back: starter machine restore %s --reason …", moment(until), c.Name))
}

// laterThan reads a moment, or a time from now on in days, hours or less.
func laterThan(now time.Time, text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		span, wrong := spanOf(text)
		if wrong != nil {
			return at, fmt.Errorf("--until %s: want a time as 2026-01-02T15:04:05Z, or from now as 4h or 3d", text)
		}
		at = now.Add(span)
	}
	if !at.After(now) {
		return at, fmt.Errorf("--until %s: that is over already", text)
	}
	return at, nil
}

// spanOf knows days besides what Go knows.
func spanOf(text string) (time.Duration, error) {
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); n == 1 && err == nil && text == fmt.Sprintf("%dd", days) && days < 10000 {
		return time.Duration(days) * 24 * time.Hour, nil
	}
	return time.ParseDuration(text)
}

type machineRestoreCommand struct {
	word   `embed:""`
	reason `embed:""`
}

// Run gives a machine back. Nobody gets it before it was proven.
func (c machineRestoreCommand) Run(ctx context.Context, a *app) error {
	return c.say(ctx, a, metal.Word{Note: c.Reason}, (*postgres.Store).Restore,
		"is enrolled, and is proven next by itself; or now: starter machine commission "+string(c.Name))
}

type machineAcceptSerialCommand struct {
	word   `embed:""`
	reason `embed:""`
}

// Run forgets the serial that the machine had.
func (c machineAcceptSerialCommand) Run(ctx context.Context, a *app) error {
	return c.say(ctx, a, metal.Word{Note: c.Reason}, (*postgres.Store).AcceptSerial,
		"takes the serial that is found next; commission it: starter machine commission "+string(c.Name))
}

type machineCloseIssueCommand struct {
	word   `embed:""`
	ID     int64 `arg:"" help:"The issue's number, as starter machine issues prints it."`
	reason `embed:""`
}

// Run closes the issue. A look that finds it again opens another one.
func (c machineCloseIssueCommand) Run(ctx context.Context, a *app) error {
	closes := func(s *postgres.Store, ctx context.Context, w metal.Word) error { return s.CloseIssue(ctx, w, c.ID) }
	return c.say(ctx, a, metal.Word{Note: c.Reason}, closes, fmt.Sprintf("has issue %d no more; a look that finds it again opens it again", c.ID))
}
