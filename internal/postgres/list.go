package postgres

import (
	"context"
	"fmt"

	"millwright/internal/metal"
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
