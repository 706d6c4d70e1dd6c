package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// ConsolesWanted lists the machines of a site whose consoles are to be read
// now: those with a run at work, and those at which somebody sits.
func (s *Store) ConsolesWanted(ctx context.Context, site metal.SiteID, attached []metal.MachineID) ([]metal.ConsoleWatch, error) {
	ids := make([]string, len(attached))
	for i, id := range attached {
		ids[i] = string(id)
	}
	rows, err := s.Queries().ConsolesWanted(ctx, query.ConsolesWantedParams{Site: string(site), Attached: ids})
	if err != nil {
		return nil, fmt.Errorf("read whose consoles are wanted at %s: %w", site, err)
	}
	watches := make([]metal.ConsoleWatch, len(rows))
	for i, row := range rows {
		var bmc BMCRecord
		if err := json.Unmarshal(row.Bmc, &bmc); err != nil {
			return nil, fmt.Errorf("machine %s: its BMC record: %w", row.ID, err)
		}
		watches[i] = metal.ConsoleWatch{
			BMC: bmc.metal(row.ID), Device: metal.DeviceID(row.Device), Epoch: row.Epoch,
			Boot: metal.BootNumber(row.Number), Run: row.Run, Recorded: row.Recorded,
		}
	}
	return watches, nil
}

// TakeConsole makes a console a keeper's, or renews it. Safe to repeat.
func (s *Store) TakeConsole(ctx context.Context, wish metal.ConsoleWish) (metal.ConsoleLease, error) {
	free, err := s.Queries().TakeConsole(ctx, query.TakeConsoleParams{
		Machine: string(wish.Machine), Keeper: wish.Keeper, Lease: wish.Lease, Attached: wish.Attached, Command: wish.Command,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.ConsoleLease{}, nil
	}
	if err != nil {
		return metal.ConsoleLease{}, fmt.Errorf("machine %s: take its console: %w", wish.Machine, err)
	}
	return metal.ConsoleLease{Held: true, Free: free}, nil
}

// LeaveConsole says that a keeper has closed a console, whether it was still
// its own or is another one's already. Safe to repeat.
func (s *Store) LeaveConsole(ctx context.Context, machine metal.MachineID, keeper string) error {
	if err := s.Queries().LeaveConsole(ctx, query.LeaveConsoleParams{Machine: string(machine), Keeper: keeper}); err != nil {
		return fmt.Errorf("machine %s: leave its console: %w", machine, err)
	}
	return nil
}

// ListenConsoles calls changed whenever another console may be wanted, or
// another keeper wants one, until ctx ends or the connection is lost. It
// begins with a call: anything may have changed before.
func (s *Store) ListenConsoles(ctx context.Context, site metal.SiteID, changed func()) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("listen for consoles at %s: %w", site, err)
	}
	pg := conn.Hijack() // a listening connection must not go back to the pool
	defer pg.Close(context.WithoutCancel(ctx))
	if _, err := pg.Exec(ctx, "listen boot; listen console"); err != nil {
		return fmt.Errorf("listen for consoles at %s: %w", site, err)
	}
	changed()
	for {
		n, err := pg.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("listen for consoles at %s: %w", site, err)
		}
		if strings.HasPrefix(n.Payload, string(site)+"/") {
			changed()
		}
	}
}

// ConsoleSeat is what decides who may sit at a device's console. A device that
// is not known, is deleted, or has no machine is ErrUnknownDevice.
func (s *Store) ConsoleSeat(ctx context.Context, device metal.DeviceID) (metal.ConsoleSeat, error) {
	row, err := s.Queries().DeviceAtConsole(ctx, string(device))
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.ConsoleSeat{}, fmt.Errorf("device %s: %w", device, metal.ErrUnknownDevice)
	}
	if err != nil {
		return metal.ConsoleSeat{}, fmt.Errorf("device %s: read whose console it has: %w", device, err)
	}
	return metal.ConsoleSeat{
		Machine: metal.MachineID(row.Machine), Site: metal.SiteID(row.Site), State: metal.DeviceState(row.State),
		Agent: !slices.Contains(tenantBoots, row.Job), SSHKeys: row.SshKeys,
	}, nil
}

// tenantBoots are the jobs that leave a machine to its tenant's own system. Of
// any other, also one that is not thought of yet, the agent is at the console.
var tenantBoots = []string{"none", "leave", "ipxe"}
