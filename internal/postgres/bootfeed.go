package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// BootMachine is what boot services need to know of one machine, now.
func (s *Store) BootMachine(ctx context.Context, id metal.MachineID) (metal.BootMachine, error) {
	m, err := s.Queries().GetMachine(ctx, string(id))
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.BootMachine{}, fmt.Errorf("machine %s: %w", id, metal.ErrUnknownMachine)
	}
	if err != nil {
		return metal.BootMachine{}, err
	}
	machines, err := s.bootMachines(ctx, m.Site, func(*query.Queries) ([]string, error) { return []string{string(id)}, nil })
	if err == nil && len(machines) == 0 {
		err = fmt.Errorf("machine %s: its port has no install link; import its site again: %w", id, metal.ErrUnknownMachine)
	}
	if err != nil {
		return metal.BootMachine{}, err
	}
	return machines[0], nil
}

// BootMachines is what boot services need to know of a site.
func (s *Store) BootMachines(ctx context.Context, site metal.SiteID) ([]metal.BootMachine, error) {
	return s.bootMachines(ctx, string(site), func(q *query.Queries) ([]string, error) { return q.MachinesOfSite(ctx, string(site)) })
}

// bootMachines reads machines, their devices and their addresses in three
// queries of one snapshot.
func (s *Store) bootMachines(ctx context.Context, site string, which func(*query.Queries) ([]string, error)) ([]metal.BootMachine, error) {
	var machines []metal.BootMachine
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
		q := query.New(tx)
		ids, err := which(q)
		if err != nil {
			return err
		}
		rows, err := q.BootMachines(ctx, query.BootMachinesParams{Site: site, Machines: ids})
		if err != nil {
			return err
		}
		tenancies, err := bootTenancies(ctx, q, site, ids)
		if err != nil {
			return err
		}
		for _, row := range rows {
			machines = append(machines, bootMachine(row, tenancies[row.ID]))
		}
		return nil
	})
	return machines, err
}

func bootTenancies(ctx context.Context, q *query.Queries, site string, machines []string) (map[string]*metal.Tenancy, error) {
	rows, err := q.BootTenancies(ctx, query.BootTenanciesParams{Site: site, Machines: machines})
	if err != nil {
		return nil, err
	}
	tenancies := map[string]*metal.Tenancy{}
	for _, t := range rows {
		tenancies[t.Machine] = &metal.Tenancy{
			Device: metal.DeviceID(t.ID), Project: metal.ProjectID(t.Project), Site: metal.SiteID(t.Site), Plan: metal.PlanID(t.Plan),
			Hostname: t.Hostname, SSHKeys: t.SshKeys, Tags: t.Tags, UserData: t.UserData,
			OperatingSystem: metal.OperatingSystem{
				ID: metal.OperatingSystemID(t.Os), Name: t.Name, Distro: t.Distro, Version: t.Version,
				Arch: t.Arch, FirstBoot: metal.FirstBootMethod(t.FirstBoot), Image: metal.Image{ID: t.Image, Size: t.Size},
			},
			Metro: t.Metro, State: metal.DeviceState(t.State), CreatedAt: t.CreatedAt,
			CustomData: t.CustomData, ScriptURL: t.IpxeUrl, AlwaysPXE: t.AlwaysPxe,
		}
	}
	leases, err := q.BootLeases(ctx, query.BootLeasesParams{Site: site, Machines: machines})
	for _, l := range leases {
		if t := tenancies[l.Machine]; t != nil {
			t.Leases = append(t.Leases, metal.Lease{
				Prefix: l.Prefix, Role: metal.Role(l.Role), Site: metal.SiteID(l.Site), Elastic: l.Purpose == string(metal.Reservation), Position: int(portOfAsk(l.Ask)),
			})
		}
	}
	return tenancies, err
}

// agents are the jobs for which a machine boots the agent.
var agents = map[metal.Job]bool{metal.JobInstall: true, metal.JobErase: true, metal.JobProve: true, metal.JobRescue: true, metal.JobIdle: true}

func bootMachine(row query.BootMachinesRow, tenancy *metal.Tenancy) metal.BootMachine {
	m := metal.BootMachine{
		ID: metal.MachineID(row.ID), Port: metal.Port{Switch: metal.SwitchID(row.Switch), Name: row.Port},
		MACs: row.Macs, Firmware: metal.Firmware(row.Firmware),
		Install: metal.Link{Prefix: row.Install, Role: metal.Install},
		Intent:  metal.BootIntent{Number: metal.BootNumber(row.Number), Agent: agents[metal.Job(row.Job)], Script: metal.Job(row.Job) == metal.JobScript},
		Tenancy: tenancy,
	}
	m.Addresses = []netip.Addr{m.Install.Machine()}
	if tenancy != nil {
		for _, l := range tenancy.Leases {
			m.Addresses = append(m.Addresses, l.Machine())
		}
	}
	return m
}

// ListenBoot calls changed with each machine whose boot matters changed, until
// ctx ends or the connection is lost. It begins with "", which means that
// anything may have changed before.
func (s *Store) ListenBoot(ctx context.Context, site metal.SiteID, changed func(metal.MachineID)) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("listen for changes at %s: %w", site, err)
	}
	pg := conn.Hijack() // a listening connection must not go back to the pool
	defer pg.Close(context.WithoutCancel(ctx))
	if _, err := pg.Exec(ctx, "listen boot"); err != nil {
		return fmt.Errorf("listen for changes at %s: %w", site, err)
	}
	changed("")
	for {
		n, err := pg.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("listen for changes at %s: %w", site, err)
		}
		if machine, ours := strings.CutPrefix(n.Payload, string(site)+"/"); ours {
			changed(metal.MachineID(machine))
		}
	}
}
