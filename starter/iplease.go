package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

type ipTakeCommand struct {
	Prefix prefixArg    `arg:"" optional:"" help:"The very prefix; or give a size and where from."`
	For    metal.Holder `required:"" env:"-" help:"Who holds it: project/NAME, or imported/NAME for what Millwright does not run."`
	As     string       `env:"-" help:"Which of the holder's it is: asking twice is asking once. The prefix if one is named."`
	Size   sizeArg      `env:"-" help:"Its length, such as /29." placeholder:"/N"`
	From   prefixArg    `env:"-" help:"The block; or site, role and family." placeholder:"BLOCK"`
	Site   metal.SiteID `env:"-" help:"From the site's pools."`
	Role   metal.Role   `env:"-" help:"Of this role."`
	Family int          `env:"-" default:"4" enum:"4,6" help:"4 or 6."`
}

// Run takes a prefix, and prints which.
func (c ipTakeCommand) Run(ctx context.Context, a *app) error {
	switch {
	case !c.Prefix.IsValid() && c.Size == 0:
		return usage(errors.New("say which prefix, or --size and where from"))
	case !c.Prefix.IsValid() && c.As == "":
		return usage(errors.New("say with --as which of the holder's it is, so that asking twice is asking once"))
	case !c.Prefix.IsValid() && !c.From.IsValid() && (c.Role == "" || c.Site == "" && c.Role != metal.Anycast):
		return usage(errors.New("say where from: --from BLOCK, or --site and --role"))
	}
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		got, err := s.Take(ctx, postgres.TakeWish{Holder: c.For, Ask: c.As, Prefix: c.Prefix.Prefix, Bits: int(c.Size),
			Block: c.From.Prefix, Site: c.Site, Role: c.Role, Family: c.Family})
		return fmt.Sprintf("%s is %s's", got, c.For), map[string]any{"prefix": prefixText(got), "holder": c.For}, err
	})
}

type ipGiveBackCommand struct {
	Prefix prefixArg `arg:"" help:"What was taken."`
}

// Run gives a prefix back.
func (c ipGiveBackCommand) Run(ctx context.Context, a *app) error {
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		held, err := s.GiveBack(ctx, c.Prefix.Prefix)
		sentence := fmt.Sprintf("%s is given back, and rests; to end that: starter ip free %s", c.Prefix, c.Prefix)
		if !held {
			sentence = fmt.Sprintf("nobody holds %s; nothing was changed", c.Prefix)
		}
		return sentence, map[string]any{"prefix": c.Prefix.String(), "was_held": held}, err
	})
}

type ipFreeCommand struct {
	Prefix prefixArg `arg:"" help:"What is in quarantine, or a prefix in which nothing is held."`
}

// Run ends rests, and prints whose.
func (c ipFreeCommand) Run(ctx context.Context, a *app) error {
	return asked(ctx, a, func(s *postgres.Store) (*table, error) {
		t := &table{columns: []string{"freed"}}
		freed, err := s.FreeNow(ctx, c.Prefix.Prefix)
		for _, p := range freed {
			t.add(p.String())
		}
		return t, err
	})
}

type ipReserveCommand struct {
	Size    sizeArg         `arg:"" optional:"" help:"/32 to /24, of IPv6 /64 to /48; or name the prefix."`
	Project metal.ProjectID `required:"" env:"-" help:"Whose."`
	Site    metal.SiteID    `env:"-" xor:"where" required:"" help:"Where."`
	Anycast bool            `env:"-" xor:"where" required:"" help:"Of no site: every site may announce it."`
	Family  int             `env:"-" default:"4" enum:"4,6" help:"4 or 6."`
	Prefix  prefixArg       `env:"-" help:"The very prefix." placeholder:"PREFIX"`
	ID      string          `env:"-" name:"id" help:"Your own ID, a lower-case UUID: asked twice, it is one reservation. Left out, a new one is made." placeholder:"UUID"`
	Tag     []string        `env:"-" help:"Words of yours."`
	Note    string          `env:"-" help:"Why; an operator who has to approve it reads this."`
}

// Run asks for a reservation.
func (c ipReserveCommand) Run(ctx context.Context, a *app) error {
	w := metal.ReservationWish{ID: metal.ReservationID(c.ID), Project: c.Project, Site: c.Site, Family: c.Family,
		Bits: int(c.Size), Wanted: c.Prefix.Prefix, Tags: c.Tag, Note: c.Note}
	switch {
	case c.Prefix.IsValid() && c.Size != 0 && int(c.Size) != c.Prefix.Bits():
		return usage(fmt.Errorf("a /%d, and %s; leave one out", c.Size, c.Prefix))
	case c.Prefix.IsValid():
		w.Bits, w.Family = c.Prefix.Bits(), family(c.Prefix)
	case c.Size == 0:
		return usage(errors.New("say how large, or which prefix"))
	}
	if c.ID == "" {
		w.ID = metal.ReservationID(uuid.NewString())
	}
	return reservation(ctx, a, func(s *postgres.Store) (metal.ReservationStatus, error) { return s.Reserve(ctx, w) })
}

func family(p prefixArg) int {
	if p.Addr().Is4() {
		return 4
	}
	return 6
}

// reservation does something with one, and prints how it stands then.
func reservation(ctx context.Context, a *app, do func(*postgres.Store) (metal.ReservationStatus, error)) error {
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		r, err := do(s)
		sentence := fmt.Sprintf("reservation %s is %s", r.ID, r.State)
		switch r.State {
		case metal.ReservationCreated:
			sentence = fmt.Sprintf("reservation %s: %s is project %s's", r.ID, r.Prefix, r.Project)
		case metal.ReservationPending:
			sentence = fmt.Sprintf("reservation %s: a /%d waits for an operator: starter ip approve %s", r.ID, r.Bits, r.ID)
		}
		return sentence, reservationObject(r), err
	})
}

// reservationColumns are what is told of a reservation.
var reservationColumns = []string{"reservation", "project", "site", "family", "size", "prefix", "state", "asked_at", "decided_at", "ended_at", "tags", "note"}

func reservationRow(r metal.ReservationStatus) []any {
	return []any{string(r.ID), string(r.Project), string(r.Site), r.Family, fmt.Sprintf("/%d", r.Bits), prefixText(r.Prefix), string(r.State),
		when(r.AskedAt), when(r.Decided), when(r.Ended), strings.Join(r.Tags, " "), r.Note}
}

func reservationObject(r metal.ReservationStatus) map[string]any {
	object := map[string]any{}
	for i, value := range reservationRow(r) {
		object[reservationColumns[i]] = value
	}
	return object
}

type ipApproveCommand struct {
	ID metal.ReservationID `arg:"" help:"The reservation."`
}

// Run approves it.
func (c ipApproveCommand) Run(ctx context.Context, a *app) error {
	return reservation(ctx, a, func(s *postgres.Store) (metal.ReservationStatus, error) { return s.Approve(ctx, c.ID) })
}

type ipDenyCommand struct {
	ID     metal.ReservationID `arg:"" help:"The reservation."`
	Reason string              `required:"" env:"-" help:"Why; the project reads it."`
}

// Run denies it.
func (c ipDenyCommand) Run(ctx context.Context, a *app) error {
	return reservation(ctx, a, func(s *postgres.Store) (metal.ReservationStatus, error) { return s.Deny(ctx, c.ID, c.Reason) })
}

type ipReleaseCommand struct {
	ID metal.ReservationID `arg:"" help:"The reservation."`
}

// Run ends it.
func (c ipReleaseCommand) Run(ctx context.Context, a *app) error {
	return reservation(ctx, a, func(s *postgres.Store) (metal.ReservationStatus, error) { return s.Release(ctx, c.ID) })
}

type ipReservationsCommand struct {
	Project metal.ProjectID        `env:"-" help:"Only this project's."`
	State   metal.ReservationState `env:"-" help:"Only pending, created, denied or released ones."`
	Site    metal.SiteID           `env:"-" help:"Only this site's."`
}

// Run lists reservations, the oldest first.
func (c ipReservationsCommand) Run(ctx context.Context, a *app) error {
	return asked(ctx, a, func(s *postgres.Store) (*table, error) {
		t := &table{columns: reservationColumns}
		all, err := s.Reservations(ctx, c.Project, c.State, c.Site)
		for _, r := range all {
			t.add(reservationRow(r)...)
		}
		return t, err
	})
}
