package postgres

import (
	"context"
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// ChangeDevice changes what a tenant says of a device. What its machine is told
// of it, boot tells from then on.
func (s *Store) ChangeDevice(ctx context.Context, request metal.Request, id metal.DeviceID, c metal.DeviceChange) error {
	return s.change(ctx, request, func(q *query.Queries) (string, error) {
		d, err := lockDevice(ctx, q, id)
		if err != nil {
			return "", err
		}
		if ending(d) {
			return "", fmt.Errorf("device %s: it is %s, and nothing of it can be changed: %w", id, d.State, metal.ErrWrongState)
		}
		if err := s.checkChange(ctx, q, d, c); err != nil {
			return "", err
		}
		if c.UserData != nil {
			if err := setUserData(ctx, q, d, c.UserData); err != nil {
				return "", err
			}
			if err := s.checkUserData(ctx, q, d.OperatingSystem, c.UserData); err != nil {
				return "", err
			}
		}
		change := query.ChangeDeviceParams{
			ID: d.ID, Hostname: c.Hostname, Description: c.Description, Tags: c.Tags, CustomData: c.CustomData, BillingCycle: c.BillingCycle,
			Locked: c.Locked, NetworkFrozen: c.Frozen, AlwaysPxe: c.AlwaysPXE, IpxeUrl: c.ScriptURL, WithTermination: c.TerminateAt != nil,
		}
		if c.TerminateAt != nil {
			change.TerminateAt = unless(*c.TerminateAt)
		}
		if err := q.ChangeDevice(ctx, change); err != nil {
			return "", fmt.Errorf("device %s: %w", id, err)
		}
		return "/devices/" + d.ID, event(ctx, q, metal.Claim{Device: id}, "instance.updated", "Device changed")
	})
}

// checkChange refuses a script, and that it always boots, where nothing boots
// it.
func (s *Store) checkChange(ctx context.Context, q *query.Queries, d query.Device, c metal.DeviceChange) error {
	if value(c.AlwaysPXE) && !d.AlwaysPxe {
		first, err := q.FirstBootOfSystem(ctx, d.OperatingSystem)
		if err != nil || first != string(metal.IPXE) {
			return orInvalid(err, "always_pxe", "%s is installed, and boots no script; leave it false", d.OperatingSystem)
		}
	}
	if value(c.ScriptURL) == "" || *c.ScriptURL == d.IpxeUrl {
		return nil
	}
	return hasScript(ctx, q, metal.OperatingSystemID(d.OperatingSystem), *c.ScriptURL, value(d.UserData))
}

// setUserData gives a device other user data; none where it is empty.
func setUserData(ctx context.Context, q *query.Queries, d query.Device, body []byte) error {
	name := ""
	if len(body) > 0 {
		var err error
		if name, err = q.InsertUserData(ctx, body); err != nil {
			return fmt.Errorf("device %s: store user data: %w", d.ID, err)
		}
	}
	return q.ChangeDevice(ctx, query.ChangeDeviceParams{ID: d.ID, WithUserData: true, UserData: name})
}
