package postgres

import (
	"context"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// OpenOrders lists orders whose device run has not begun, oldest first.
func (s *Store) OpenOrders(ctx context.Context, olderThan time.Duration, most int) ([]metal.LostOrder, error) {
	rows, err := s.Queries().OpenOrders(ctx, query.OpenOrdersParams{OlderThan: olderThan, Most: int32(most)})
	orders := make([]metal.LostOrder, len(rows))
	for i, row := range rows {
		orders[i] = metal.LostOrder{Order: metal.OrderID(row.ID), Device: metal.DeviceID(row.Device), Input: row.Input}
	}
	return orders, err
}

// Unsettled lists devices in a state that only an open run may leave them in,
// longest first.
func (s *Store) Unsettled(ctx context.Context, olderThan time.Duration, most int) ([]metal.Unsettled, error) {
	rows, err := s.Queries().UnsettledDevices(ctx, query.UnsettledDevicesParams{OlderThan: olderThan, Most: int32(most)})
	devices := make([]metal.Unsettled, len(rows))
	for i, row := range rows {
		devices[i] = metal.Unsettled{
			Device: metal.DeviceID(row.ID), Project: metal.ProjectID(row.Project), Site: metal.SiteID(row.Site),
			Plan: metal.PlanID(row.Plan), Machine: metal.MachineID(row.Machine), State: metal.DeviceState(row.State),
		}
	}
	return devices, err
}

// SwitchesBehind lists switches with ports that should have been brought by now,
// and that the switch has not refused.
func (s *Store) SwitchesBehind(ctx context.Context, olderThan time.Duration, most int) ([]metal.Switch, error) {
	rows, err := s.Queries().SwitchesBehind(ctx, query.SwitchesBehindParams{OlderThan: olderThan, Most: int32(most)})
	all := make([]metal.Switch, len(rows))
	for i, r := range rows {
		all[i] = metal.Switch{ID: metal.SwitchID(r.ID), Site: metal.SiteID(r.Site), Repair: r.Repair}
	}
	return all, err
}
