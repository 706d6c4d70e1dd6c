package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
)

type osVerifyCommand struct {
	System    metal.OperatingSystemID `arg:"" help:"The system's slug, as in debian_12."`
	Site      metal.SiteID            `required:"" help:"Where."`
	Plan      metal.PlanID            `env:"-" help:"On which hardware. Left out, on whatever is idle and the system fits."`
	Project   metal.ProjectID         `env:"-" default:"verify" help:"Who the device is for; the site's blocks have to let it take addresses."`
	SSHKey    []string                `env:"-" name:"ssh-key" type:"existingfile" help:"File of public keys that may log in meanwhile." placeholder:"FILE"`
	ScriptURL string                  `env:"-" name:"ipxe-script-url" help:"The script, of a system that boots one." placeholder:"URL"`
	Keep      bool                    `env:"-" help:"Leave the device as it is, for a look at it."`
}

// Run orders, waits, writes down and gives back. What it orders is an order
// like any other: the machine goes through everything a tenant's does.
func (c osVerifyCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	plan, err := c.plan(ctx, store)
	if err != nil {
		return err
	}
	in := metal.OrderInput{
		Action: metal.ActionProvision, Device: metal.DeviceID(uuid.NewString()), Project: c.Project, Site: c.Site,
		Plan: plan, OperatingSystem: c.System, Tags: []string{"verify"}, ScriptURL: c.ScriptURL,
	}
	for _, file := range c.SSHKey {
		keys, err := publicKeys(file)
		if err != nil {
			return err
		}
		in.SSHKeys = append(in.SSHKeys, keys...)
	}
	began := time.Now()
	err = a.order(ctx, common{Wait: true}, in)
	if err == nil {
		err = c.record(ctx, a, store, in, time.Since(began))
	}
	if c.Keep {
		fmt.Fprintf(a.errs, "starter: device %s stays; when you are done: starter deprovision %s\n", in.Device, in.Device)
		return err
	}
	return errors.Join(err, c.giveBack(ctx, a, store, in.Device))
}

// plan picks one that the system fits and a machine is idle for: a plan without
// one would only say that nothing can be proven today.
func (c osVerifyCommand) plan(ctx context.Context, store *postgres.Store) (metal.PlanID, error) {
	rows, err := store.Queries().AllOperatingSystems(ctx)
	if err != nil {
		return "", fmt.Errorf("list operating systems: %w", err)
	}
	at := slices.IndexFunc(rows, func(o query.AllOperatingSystemsRow) bool { return o.ID == string(c.System) })
	if at < 0 {
		return "", fmt.Errorf("operating system %s is in no site's file yet; put it there, with its image, and import it: starter import", c.System)
	}
	machines, err := store.Queries().ListMachines(ctx)
	if err != nil {
		return "", fmt.Errorf("list machines: %w", err)
	}
	for _, m := range machines {
		if metal.SiteID(m.Site) == c.Site && metal.MachineState(m.State) == metal.Idle && slices.Contains(rows[at].Plans, m.Plan) &&
			(c.Plan == "" || metal.PlanID(m.Plan) == c.Plan) {
			return metal.PlanID(m.Plan), nil
		}
	}
	return "", fmt.Errorf("no machine at %s is idle that %s fits, of plan %s; see starter list machines", c.Site, c.System, wanted(c.Plan, rows[at].Plans))
}

func wanted(plan metal.PlanID, fitting []string) string {
	if plan != "" {
		return string(plan)
	}
	return fmt.Sprint(fitting)
}

// record writes down that the system phoned home, or that its script was
// fetched, on which machine and after what time.
func (c osVerifyCommand) record(ctx context.Context, a *app, store *postgres.Store, in metal.OrderInput, took time.Duration) error {
	d, err := readDevice(ctx, store, in.Device)
	if err != nil {
		return err
	}
	how := fmt.Sprintf("active after %s on machine %s, plan %s, at %s", took.Round(time.Second), d.Machine, in.Plan, in.Site)
	n, err := store.Queries().RecordProof(ctx, query.RecordProofParams{ID: string(c.System), How: how})
	if err == nil && n == 0 {
		err = errors.New("it is offered no more")
	}
	if err != nil {
		return fmt.Errorf("write down the proof of %s: %w", c.System, err)
	}
	if a.Output != "json" {
		fmt.Fprintf(a.out, "%s is proven: %s\n", c.System, how)
	}
	return nil
}

// giveBack orders the device gone, also where the caller waits no more.
func (c osVerifyCommand) giveBack(ctx context.Context, a *app, store *postgres.Store, device metal.DeviceID) error {
	waiting := ctx.Err() == nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackLimit)
	defer cancel()
	d, err := readDevice(ctx, store, device)
	if errors.Is(err, metal.ErrUnknownDevice) || err == nil && metal.DeviceState(d.State) == metal.Deleted {
		return nil // nothing came of it
	}
	if err == nil {
		err = a.order(ctx, common{Wait: waiting}, metal.OrderInput{Action: metal.ActionDeprovision, Device: device})
	}
	if err != nil && !errors.Is(err, errSaid) {
		return fmt.Errorf("give the machine of device %s back: %w; try: starter deprovision %s", device, err, device)
	}
	return err
}

// giveBackLimit is above any erasure's limit; what is left then goes on by itself.
const giveBackLimit = 12 * time.Hour
