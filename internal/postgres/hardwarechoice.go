package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// hardwareWish is what an order wants of its project's reserved machines.
type hardwareWish struct {
	Project metal.ProjectID
	Plan    metal.PlanID
	Sites   []metal.SiteID              // any of them
	Which   metal.HardwareReservationID // one, or metal.NextAvailable
}

// chooseReservation picks a reservation of the project whose machine is free,
// and where that stands. Until the transaction ends nobody else picks one of
// this project's: the order writes its choice into devices.hardware_reservation,
// and from then on the machine is promised.
func chooseReservation(ctx context.Context, q *query.Queries, w hardwareWish) (metal.HardwareReservationID, metal.SiteID, error) {
	if err := q.LockReservations(ctx, string(w.Project)); err != nil {
		return "", "", err
	}
	want := query.FreeReservationParams{Project: string(w.Project), Plan: string(w.Plan)}
	if w.Which != metal.NextAvailable {
		want.ID = string(w.Which)
	}
	for _, site := range w.Sites {
		want.Sites = append(want.Sites, string(site))
	}
	found, err := q.FreeReservation(ctx, want)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", "", whyNone(ctx, q, w)
	}
	return metal.HardwareReservationID(found.ID), metal.SiteID(found.Site), err
}

// whyNone says what stands against a choice that found nothing.
func whyNone(ctx context.Context, q *query.Queries, w hardwareWish) error {
	const field = "hardware_reservation_id"
	if w.Which == metal.NextAvailable {
		return fmt.Errorf("%s: none of the project's reserved machines of plan %s is free here; order without one, or wait: %w", field, w.Plan, metal.ErrNoMachine)
	}
	found, err := q.HardwareReservations(ctx, query.HardwareReservationsParams{Project: string(w.Project), ID: string(w.Which)})
	switch {
	case err != nil:
		return err
	case len(found) == 0 || w.Which == "":
		return invalid(field, "the project has no hardware reservation %q", w.Which)
	case found[0].Plan != string(w.Plan):
		return invalid(field, "its machine is a %s, not a %s", found[0].Plan, w.Plan)
	case found[0].Device != "":
		return fmt.Errorf("%s: device %s has its machine: %w", field, found[0].Device, metal.ErrInUse)
	case found[0].State != string(metal.Idle):
		return fmt.Errorf("%s: its machine is not ready to be provisioned; wait, or ask the operators: %w", field, metal.ErrNoMachine)
	}
	return invalid(field, "its machine stands at %s, and the order is for another place", found[0].Site)
}
