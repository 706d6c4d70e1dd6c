package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// NICs are those of devices that have a machine, the one that boots first.
func (s *Store) NICs(ctx context.Context, devices []metal.DeviceID) (map[metal.DeviceID][]metal.NIC, error) {
	names := make([]string, len(devices))
	for i, d := range devices {
		names[i] = string(d)
	}
	rows, err := s.Queries().NICsOfDevices(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("read the NICs of %d devices: %w", len(devices), err)
	}
	all := map[metal.DeviceID][]metal.NIC{}
	for _, row := range rows {
		device := metal.DeviceID(row.Device)
		all[device] = append(all[device], metal.NIC{
			Device: device, Machine: metal.MachineID(row.Machine), Position: int(row.Position), MAC: row.Mac,
		})
	}
	return all, nil
}

// DeviceOfPort is the device whose machine has the port with this ID.
func (s *Store) DeviceOfPort(ctx context.Context, id string) (metal.DeviceID, error) {
	row, err := s.Queries().ScopeOfPort(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("port %s: %w", id, metal.ErrNotFound)
	}
	return metal.DeviceID(row.Device), err
}

// PortStays records that somebody asked for what a port is already.
func (s *Store) PortStays(ctx context.Context, c metal.Request, id string) error {
	return s.change(ctx, c, func(*query.Queries) (string, error) { return "/ports/" + id, nil })
}
