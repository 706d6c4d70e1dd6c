package main

import (
	"context"
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

type listCommand struct {
	What    string          `arg:"" enum:"devices,machines,switches,ports,blocks,orders,events" help:"devices, machines, switches, ports, blocks, orders or events."`
	Site    metal.SiteID    `env:"-" help:"Only this site's."`
	Project metal.ProjectID `env:"-" help:"Only this project's; of devices and orders."`
	Device  metal.DeviceID  `env:"-" help:"Only this device's; of orders and events."`
	Machine metal.MachineID `env:"-" help:"Only this machine's; of events."`
	All     bool            `env:"-" help:"Deleted devices, too."`
	Limit   int32           `env:"-" default:"100" help:"How many orders or events, the newest first."`
}

// Run prints one listing.
func (c listCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	lists := map[string]func(context.Context, *query.Queries) (*table, error){
		"devices": c.devices, "machines": c.machines, "switches": c.switches, "ports": c.ports,
		"blocks": c.blocks, "orders": c.orders, "events": c.events,
	}
	t, err := lists[c.What](ctx, store.Queries())
	if err != nil {
		return fmt.Errorf("list %s: %w", c.What, err)
	}
	return t.print(a.out, a.Output)
}

func (c listCommand) wants(site string) bool { return c.Site == "" || string(c.Site) == site }

func (c listCommand) devices(ctx context.Context, q *query.Queries) (*table, error) {
	t := &table{columns: []string{"device", "project", "site", "plan", "operating_system", "hostname", "state", "machine", "changed_at", "reason"}}
	rows, err := q.ListDevices(ctx, query.ListDevicesParams{Project: string(c.Project), WithDeleted: c.All})
	for _, d := range rows {
		if c.wants(d.Site) {
			t.add(d.ID, d.Project, d.Site, d.Plan, d.OperatingSystem, d.Hostname, d.State, d.Machine, d.ChangedAt, d.Reason)
		}
	}
	return t, err
}

func (c listCommand) machines(ctx context.Context, q *query.Queries) (*table, error) {
	t := &table{columns: []string{"machine", "site", "rack", "unit", "plan", "port", "state", "device", "dirty", "reason"}}
	rows, err := q.ListMachines(ctx)
	for _, m := range rows {
		if c.wants(m.Site) {
			t.add(m.ID, m.Site, m.Rack, m.Unit, m.Plan, m.Switch+":"+m.Port, m.State, m.Device, m.Dirty, m.Reason)
		}
	}
	return t, err
}

func (c listCommand) switches(ctx context.Context, q *query.Queries) (*table, error) {
	t := &table{columns: []string{
		"switch", "site", "rack", "address", "driver", "pending", "refused", "drifting", "miscabled", "repair", "checked_at", "credential", "host_key",
	}}
	rows, err := q.ListSwitches(ctx)
	for _, s := range rows {
		if c.wants(s.Site) {
			t.add(s.ID, s.Site, s.Rack, s.Address, s.Driver, s.Pending, s.Refused, s.Drifts, s.Miscablings, s.Repair, s.CheckedAt, s.Credential, s.HostKey)
		}
	}
	return t, err
}

// ports shows what is pending: intents that no commit has been read back for.
func (c listCommand) ports(ctx context.Context, q *query.Queries) (*table, error) {
	t := &table{columns: []string{"port", "machine", "profile", "device", "install_link", "generation", "applied", "reason"}}
	rows, err := q.ListPorts(ctx, string(c.Site))
	for _, p := range rows {
		t.add(p.Switch+":"+p.Name, p.Machine, p.Profile, p.Device, p.Install, p.Generation, p.Applied, p.Reason)
	}
	return t, err
}

// blocks counts addresses; of IPv6, links.
func (c listCommand) blocks(ctx context.Context, q *query.Queries) (*table, error) {
	t := &table{columns: []string{"block", "site", "role", "free", "held", "quarantined"}}
	rows, err := q.AddressUse(ctx)
	for _, b := range rows {
		if c.wants(b.Site) {
			t.add(b.Prefix.String(), b.Site, b.Role, whole(b.Free), whole(b.Held), whole(b.Quarantined))
		}
	}
	return t, err
}

// whole prints a count as people write it, up to where only its size matters.
type whole float64

func (n whole) String() string {
	if n < 1e12 {
		return fmt.Sprintf("%.0f", float64(n))
	}
	return fmt.Sprintf("%.1e", float64(n))
}

func (c listCommand) orders(ctx context.Context, q *query.Queries) (*table, error) {
	t := &table{columns: []string{"order", "action", "device", "project", "site", "state", "wanted_at", "ended_at", "outcome"}}
	rows, err := q.ListOrders(ctx, query.ListOrdersParams{Device: string(c.Device), Project: string(c.Project), Most: c.Limit})
	for _, o := range rows {
		if c.wants(o.Site) {
			t.add(o.ID, o.Action, o.Device, o.Project, o.Site, o.State, o.WantedAt, o.EndedAt, o.Outcome)
		}
	}
	return t, err
}

func (c listCommand) events(ctx context.Context, q *query.Queries) (*table, error) {
	t := &table{columns: []string{"at", "device", "machine", "kind", "body"}}
	rows, err := q.ListEvents(ctx, query.ListEventsParams{Device: string(c.Device), Machine: string(c.Machine), Most: c.Limit})
	for _, e := range rows {
		t.add(e.At, e.Device, e.Machine, e.Kind, e.Body)
	}
	return t, err
}

type leaksCommand struct{}

// Run counts by kind, and names each leak.
func (leaksCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	leaks, err := store.Leaks(ctx)
	if err != nil {
		return err
	}
	if err := a.printLeaks(leaks); err != nil || len(leaks) == 0 {
		return err
	}
	fmt.Fprintf(a.errs, "starter: leaks: %d; each is a fault of ours: keep this output and the device's history\n", len(leaks))
	return errSaid
}
