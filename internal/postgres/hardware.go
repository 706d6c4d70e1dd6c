package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// HardwareReservations lists a project's, or everybody's where it is empty.
func (s *Store) HardwareReservations(ctx context.Context, project metal.ProjectID) ([]metal.HardwareReservation, error) {
	return s.hardware(ctx, query.HardwareReservationsParams{Project: string(project)})
}

// HardwareReservation is the one with this ID; metal.ErrNotFound where it ended,
// or never was.
func (s *Store) HardwareReservation(ctx context.Context, id metal.HardwareReservationID) (metal.HardwareReservation, error) {
	found, err := s.hardware(ctx, query.HardwareReservationsParams{ID: string(id)})
	if err != nil {
		return metal.HardwareReservation{}, err
	}
	if len(found) == 0 || id == "" {
		return metal.HardwareReservation{}, fmt.Errorf("hardware reservation %q: %w", id, metal.ErrNotFound)
	}
	return found[0], nil
}

func (s *Store) hardware(ctx context.Context, of query.HardwareReservationsParams) ([]metal.HardwareReservation, error) {
	rows, err := s.Queries().HardwareReservations(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("read hardware reservations: %w", err)
	}
	all := make([]metal.HardwareReservation, len(rows))
	for i, row := range rows {
		all[i] = metal.HardwareReservation{
			ID: metal.HardwareReservationID(row.ID), Project: metal.ProjectID(row.Project), Machine: metal.MachineID(row.Machine),
			Site: metal.SiteID(row.Site), Plan: metal.PlanID(row.Plan), Switch: metal.SwitchID(row.Switch),
			State: metal.MachineState(row.State), Device: metal.DeviceID(row.Device), Hostname: row.Hostname, Made: row.MadeAt,
		}
	}
	return all, nil
}

// KeepMachine keeps a machine for a project's devices. It must not be somebody
// else's at the moment: a tenant is never put out. Safe to repeat: the machine's
// reservation for the same project is found.
func (s *Store) KeepMachine(ctx context.Context, machine metal.MachineID, project metal.ProjectID, id metal.HardwareReservationID) (metal.HardwareReservationID, error) {
	err := s.in(ctx, func(q *query.Queries) error {
		m, err := q.LockReservedMachine(ctx, string(machine))
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("machine %s: %w", machine, metal.ErrUnknownMachine)
		}
		if err != nil {
			return err
		}
		if m.Reservation != "" {
			id = metal.HardwareReservationID(m.Reservation)
			return keptFor(ctx, q, m, project)
		}
		if err := canBeKept(ctx, q, m, project); err != nil {
			return err
		}
		if err := q.InsertHardwareReservation(ctx, query.InsertHardwareReservationParams{ID: string(id), Project: string(project), Machine: string(machine)}); err != nil {
			return err
		}
		if err := q.ReserveMachine(ctx, query.ReserveMachineParams{Reservation: (*string)(&id), Machine: string(machine)}); err != nil {
			return err
		}
		return event(ctx, q, metal.Claim{Machine: machine}, "reservation", "machine %s is kept for project %s", machine, project)
	})
	return id, err
}

// keptFor refuses a machine that another project has reserved. Whoever moves a
// reservation waits for the machine's lock, which is ours.
func keptFor(ctx context.Context, q *query.Queries, m query.LockReservedMachineRow, project metal.ProjectID) error {
	r, err := q.ScopeOfHardware(ctx, m.Reservation)
	if err != nil || r.Project == string(project) {
		return err
	}
	return fmt.Errorf("machine %s is kept for project %s; end that reservation, %s, first: %w", m.ID, r.Project, m.Reservation, metal.ErrInUse)
}

// canBeKept refuses a machine that another project's device lives on, or a
// project that there is not.
func canBeKept(ctx context.Context, q *query.Queries, m query.LockReservedMachineRow, project metal.ProjectID) error {
	if _, err := q.ScopeOfProject(ctx, string(project)); err != nil {
		return orNotFound(err, "project %s: there is none with this ID", project)
	}
	if m.Device == nil {
		return nil
	}
	d, err := q.GetDevice(ctx, *m.Device)
	if err != nil || d.Project == string(project) {
		return err
	}
	return fmt.Errorf("machine %s has device %s of project %s on it; wait until it is gone, or choose another: %w", m.ID, d.ID, d.Project, metal.ErrInUse)
}

func orNotFound(err error, format string, args ...any) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), metal.ErrNotFound)
	}
	return err
}

// EndHardwareReservation lets anybody have the machine again. A device that
// lives on it stays; one that was promised it and has not got it does not let
// it go. Safe to repeat.
func (s *Store) EndHardwareReservation(ctx context.Context, id metal.HardwareReservationID) error {
	return s.in(ctx, func(q *query.Queries) error {
		r, err := lockHardware(ctx, q, id)
		if errors.Is(err, metal.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := q.UnreserveMachine(ctx, &r.ID); err != nil {
			return err
		}
		if err := q.EndHardwareReservation(ctx, r.ID); err != nil {
			return err
		}
		return event(ctx, q, metal.Claim{Machine: metal.MachineID(r.Machine)}, "reservation", "machine %s is kept for project %s no more", r.Machine, r.Project)
	})
}

// lockHardware locks a reservation that no device waits for. The lock of its
// project comes first: orders take it before they promise the machine.
func lockHardware(ctx context.Context, q *query.Queries, id metal.HardwareReservationID) (query.LockHardwareReservationRow, error) {
	scope, err := q.ScopeOfHardware(ctx, string(id))
	if err != nil {
		return query.LockHardwareReservationRow{}, orNotFound(err, "hardware reservation %s", id)
	}
	if err := q.LockReservations(ctx, scope.Project); err != nil {
		return query.LockHardwareReservationRow{}, err
	}
	r, err := q.LockHardwareReservation(ctx, string(id))
	if err != nil {
		return r, orNotFound(err, "hardware reservation %s", id)
	}
	waiting, err := q.DeviceAwaiting(ctx, string(id))
	if errors.Is(err, pgx.ErrNoRows) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	return r, fmt.Errorf("hardware reservation %s: device %s waits for its machine; delete the device first: %w", id, waiting, metal.ErrInUse)
}

// MoveHardware gives a reservation to another project. Its machine must be free.
func (s *Store) MoveHardware(ctx context.Context, c metal.Request, id metal.HardwareReservationID, to metal.ProjectID) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		r, err := lockHardware(ctx, q, id)
		if err != nil {
			return "", err
		}
		m, err := q.LockReservedMachine(ctx, r.Machine)
		if err != nil {
			return "", err
		}
		if m.Device != nil {
			return "", fmt.Errorf("hardware reservation %s: device %s lives on it; delete the device first: %w", id, *m.Device, metal.ErrInUse)
		}
		if err := q.MoveHardwareReservation(ctx, query.MoveHardwareReservationParams{ID: r.ID, Project: string(to)}); err != nil {
			return "", err
		}
		claim := metal.Claim{Machine: metal.MachineID(r.Machine)}
		return "/hardware-reservations/" + r.ID, event(ctx, q, claim, "reservation", "machine %s, kept for project %s, is kept for project %s from here on", r.Machine, r.Project, to)
	})
}
