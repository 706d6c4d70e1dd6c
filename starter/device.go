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
)

func readDevice(ctx context.Context, store *postgres.Store, id metal.DeviceID) (deviceAnswer, error) {
	d, err := store.Queries().DeviceByID(ctx, string(id))
	if errors.Is(err, pgx.ErrNoRows) {
		return deviceAnswer{}, fmt.Errorf("device %s: %w", id, metal.ErrUnknownDevice)
	}
	if err != nil {
		return deviceAnswer{}, fmt.Errorf("read device %s: %w", id, err)
	}
	leases, err := store.DeviceLeases(ctx, []string{d.ID})
	if err != nil {
		return deviceAnswer{}, err
	}
	answer := answerOf(query.ListDevicesRow(d), leases[id])
	answer.Turn, err = store.Turn(ctx, id)
	return answer, err
}

// readDevices lists a project's living devices; everybody's for no project.
func readDevices(ctx context.Context, store *postgres.Store, project metal.ProjectID) ([]deviceAnswer, error) {
	rows, err := store.Queries().ListDevices(ctx, query.ListDevicesParams{Project: string(project)})
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	ids := make([]string, len(rows))
	for i, d := range rows {
		ids[i] = d.ID
	}
	leases, err := store.DeviceLeases(ctx, ids)
	if err != nil {
		return nil, err
	}
	devices := make([]deviceAnswer, len(rows))
	for i, d := range rows {
		devices[i] = answerOf(d, leases[metal.DeviceID(d.ID)])
	}
	return devices, nil
}

func answerOf(d query.ListDevicesRow, leases []metal.Lease) deviceAnswer {
	answer := deviceAnswer{
		ID: metal.DeviceID(d.ID), State: d.State, Reason: d.Reason, Project: d.Project, Site: d.Site, Plan: d.Plan,
		OperatingSystem: d.OperatingSystem, Hostname: d.Hostname, Tags: d.Tags, Machine: d.Machine, Rack: d.Rack,
		Addresses: []address{}, Created: d.CreatedAt, Changed: d.ChangedAt, Deleted: d.DeletedAt,
	}
	for _, l := range leases {
		a := address{Address: netip.PrefixFrom(l.Machine(), l.Prefix.Bits()), Role: l.Role}
		if !l.Elastic && !l.Prefix.IsSingleIP() {
			a.Gateway = l.Link().Switch()
		}
		answer.Addresses = append(answer.Addresses, a)
	}
	return answer
}
