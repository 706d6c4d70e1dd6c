package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Leak is something held with no living device or run behind it.
type Leak struct {
	Kind string `json:"kind"` // one of LeakKinds
	What string `json:"what"`
}

// LeakKinds are what Leaks looks for.
var LeakKinds = []string{"lease", "claim", "tenant port", "boot intent", "usage", "space", "reservation"}

// Leaks lists what the database holds for nobody: promise 3 is that there is
// none, at any moment. A run that was terminated still stands behind its
// device's state, until reconcile has ended it.
func (s *Store) Leaks(ctx context.Context) ([]Leak, error) {
	rows, err := s.Queries().Leaks(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for leaks: %w", err)
	}
	leaks := make([]Leak, len(rows))
	for i, row := range rows {
		leaks[i] = Leak(row)
	}
	return leaks, nil
}

// DeviceLeases are the leases of many devices, by device.
func (s *Store) DeviceLeases(ctx context.Context, devices []string) (map[metal.DeviceID][]metal.Lease, error) {
	rows, err := s.Queries().LeasesOfDevices(ctx, notNil(devices))
	if err != nil {
		return nil, fmt.Errorf("read the addresses of %d devices: %w", len(devices), err)
	}
	leases := map[metal.DeviceID][]metal.Lease{}
	for _, row := range rows {
		device := metal.DeviceID(row.Device)
		leases[device] = append(leases[device], metal.Lease{
			Prefix: row.Prefix, Role: metal.Role(row.Role), Site: metal.SiteID(row.Site), Elastic: row.Purpose == string(metal.Reservation),
		})
	}
	return leases, nil
}

// EndQuarantine is a person's word that a machine is fit. It is not taken for
// one whose disks may hold a tenant's data, or that still keeps a device.
func (s *Store) EndQuarantine(ctx context.Context, machine metal.MachineID) error {
	return s.in(ctx, func(q *query.Queries) error {
		m, err := q.GetMachine(ctx, string(machine))
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("machine %s: %w", machine, metal.ErrUnknownMachine)
		}
		if err != nil {
			return fmt.Errorf("machine %s: %w", machine, err)
		}
		freed, err := q.ReleaseFromQuarantine(ctx, string(machine))
		if err != nil {
			return fmt.Errorf("machine %s: release it: %w", machine, err)
		}
		if freed == 0 {
			return fmt.Errorf("machine %s: %s: %w", machine, whyKept(m), metal.ErrWrongState)
		}
		return event(ctx, q, metal.Claim{Machine: machine}, "release", "machine %s released from quarantine by hand; it was there because: %s", machine, m.Reason)
	})
}

func whyKept(m query.GetMachineRow) string {
	switch {
	case m.State != string(metal.Quarantined):
		return "it is " + m.State + ", not in quarantine"
	case m.Device != nil:
		return "it keeps device " + *m.Device + ", whose addresses its port may still route; deprovision that device"
	}
	return "its disks may hold a tenant's data, and nothing has proven their erasure"
}
