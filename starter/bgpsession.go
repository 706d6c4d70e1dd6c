package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/temporal"
	"millwright/workflows"
)

type bgpSessionCommand struct {
	Device   metal.DeviceID `arg:"" help:"The device's ID."`
	Family   string         `arg:"" enum:"4,6" help:"4 or 6."`
	State    string         `arg:"" enum:"on,off" help:"on or off."`
	awaiting `embed:""`
}

// Run starts the change, once it is known to be possible: a run that nobody
// waits for says so to nobody.
func (c bgpSessionCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	d, err := readDevice(ctx, store, c.Device)
	if err != nil {
		return err
	}
	in := workflows.SessionInput{Device: c.Device, Family: int(c.Family[0] - '0'), On: c.State == "on"}
	if in.On {
		if err := mayPeer(ctx, store, d); err != nil {
			return err
		}
	}
	run, err := a.conduct(ctx, c.awaiting, func(ctx context.Context) (temporal.Execution, error) {
		runs, err := a.runs(ctx)
		if err != nil {
			return temporal.Execution{}, err
		}
		return runs.StartSession(ctx, in)
	}, nil)
	switch {
	case err != nil:
		return err
	case !c.Wait:
		return a.printRun(run)
	case a.Output == "json":
		return printJSON(a.out, map[string]any{"run": run.ID, "device": in.Device, "family": in.Family, "on": in.On})
	}
	_, err = fmt.Fprintf(a.out, "device %s: its IPv%d session is %s, as its switch reads back; how it stands: starter bgp list\n", in.Device, in.Family, c.State)
	return err
}

func mayPeer(ctx context.Context, store *postgres.Store, d deviceAnswer) error {
	q := store.Queries()
	_, err := q.ProjectBGP(ctx, d.Project)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("device %s: project %s has no BGP; enable it first: starter bgp enable %s", d.ID, d.Project, d.Project)
	case err != nil:
		return fmt.Errorf("read the BGP of project %s: %w", d.Project, err)
	}
	site, err := q.GetSite(ctx, d.Site)
	if err != nil {
		return fmt.Errorf("read site %s: %w", d.Site, err)
	}
	if site.AsNumber == nil {
		return fmt.Errorf("device %s: site %s has no BGP; give its file a bgp section and import it", d.ID, d.Site)
	}
	return nil
}
