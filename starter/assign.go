package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// pieceArg is a piece of a reservation: a prefix, or one address, which is most
// of what is ever moved.
type pieceArg struct{ prefixArg }

// UnmarshalText takes an address for the prefix of its whole length.
func (p *pieceArg) UnmarshalText(text []byte) error {
	if addr, err := netip.ParseAddr(string(text)); err == nil && addr.Zone() == "" && !addr.Is4In6() {
		p.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	return p.prefixArg.UnmarshalText(text)
}

type ipAssignCommand struct {
	Prefix   pieceArg       `arg:"" help:"An address or prefix of a reservation."`
	Device   metal.DeviceID `arg:"" help:"The device that gets it, whoever of its project had it."`
	awaiting `embed:""`
}

// Run starts the move. It works while the device is being reinstalled: the
// address follows when the port opens.
func (c ipAssignCommand) Run(ctx context.Context, a *app) error {
	return a.assign(ctx, c.awaiting, c.Prefix.Prefix, c.Device)
}

type ipUnassignCommand struct {
	Prefix   pieceArg `arg:"" help:"An address or prefix of a reservation."`
	awaiting `embed:""`
}

// Run gives the piece back to its reservation.
func (c ipUnassignCommand) Run(ctx context.Context, a *app) error {
	return a.assign(ctx, c.awaiting, c.Prefix.Prefix, "")
}

// moveAnswer is a move as programs read it.
type moveAnswer struct {
	Run         string         `json:"run"`
	Reservation string         `json:"reservation"`
	Prefix      netip.Prefix   `json:"prefix"`
	From        metal.DeviceID `json:"from,omitempty"`
	To          metal.DeviceID `json:"to,omitempty"`
	Ended       bool           `json:"ended"`
}

func (a *app) assign(ctx context.Context, w awaiting, prefix netip.Prefix, device metal.DeviceID) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	r, err := reservationOf(ctx, store, prefix)
	if err != nil {
		return err
	}
	if err := mayGet(ctx, store, r, prefix, device); err != nil {
		return err
	}
	var moved workflows.AddressResult
	run, err := a.conduct(ctx, w, func(ctx context.Context) (temporal.Execution, error) {
		runs, err := a.runs(ctx)
		if err != nil {
			return temporal.Execution{}, err
		}
		return runs.StartAddress(ctx, workflows.AddressInput{Reservation: r.ID, Prefix: prefix, Device: device})
	}, &moved)
	if err != nil {
		return err
	}
	return a.printMove(moveAnswer{Run: run.ID, Reservation: r.ID, Prefix: prefix, From: moved.From, To: device, Ended: w.Wait})
}

func (a *app) printMove(m moveAnswer) error {
	if a.Output == "json" {
		return printJSON(a.out, m)
	}
	text := fmt.Sprintf("run     %s\n", m.Run)
	switch {
	case m.Ended && m.To == "":
		text = fmt.Sprintf("%s is nobody's; it was %s\n", m.Prefix, had(m.From))
	case m.Ended:
		text = fmt.Sprintf("%s is device %s's; it was %s\n", m.Prefix, m.To, had(m.From))
	}
	_, err := fmt.Fprint(a.out, text)
	return err
}

func had(d metal.DeviceID) string {
	if d == "" {
		return "nobody's"
	}
	return "device " + string(d) + "'s"
}

func reservationOf(ctx context.Context, store *postgres.Store, prefix netip.Prefix) (query.ReservationOfPrefixRow, error) {
	r, err := store.Queries().ReservationOfPrefix(ctx, prefix)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return r, fmt.Errorf("%s is of no reservation; only reserved addresses can be assigned: starter ip reservations", prefix)
	case err != nil:
		return r, fmt.Errorf("find the reservation of %s: %w", prefix, err)
	}
	return r, nil
}

// mayGet refuses at once what the run would refuse.
func mayGet(ctx context.Context, store *postgres.Store, r query.ReservationOfPrefixRow, prefix netip.Prefix, device metal.DeviceID) error {
	if device == "" {
		return nil
	}
	d, err := readDevice(ctx, store, device)
	switch {
	case err != nil:
		return err
	case d.Project != r.Project:
		return fmt.Errorf("device %s is of project %s, and %s is reserved by project %s", device, d.Project, prefix, r.Project)
	case r.Site != "" && d.Site != r.Site:
		return fmt.Errorf("device %s is at %s, and %s is reserved at %s; reserve addresses there", device, d.Site, prefix, r.Site)
	}
	switch state := metal.DeviceState(d.State); state {
	case metal.Failed, metal.Deprovisioning, metal.Deleted:
		return fmt.Errorf("device %s is %s, and gets no address", device, state)
	}
	return nil
}
