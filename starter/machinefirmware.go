package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"millwright/internal/metal"
	"millwright/internal/temporal"
	"millwright/workflows"
)

type machineFirmwareCommand struct {
	Update machineUpdateCommand `cmd:"" help:"Update one machine that nobody uses; or with --site and --plan all idle ones, a few at a time, up to the first failure. One that fails goes back to its old version where its BMC kept it, and to quarantine."`
}

type machineUpdateCommand struct {
	Name      metal.MachineID `arg:"" optional:"" help:"The machine's name."`
	Site      metal.SiteID    `env:"-" help:"Instead of a name: the idle machines of this site and --plan that have another version."`
	Plan      metal.PlanID    `env:"-" help:"Of which plan."`
	AtOnce    int             `env:"-" default:"2" help:"How many at a time."`
	Component string          `env:"-" required:"" help:"As starter machine health names it: bios, bmc, …"`
	Version   string          `env:"-" required:"" help:"That it must say afterwards."`
	URL       string          `name:"url" env:"-" required:"" help:"Of the image, without a password in it; the site's workers fetch it."`
	SHA256    string          `name:"sha256" env:"-" required:"" help:"Of the image."`
	awaiting  `embed:""`
}

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (c machineUpdateCommand) usable() error {
	at, err := url.Parse(c.URL)
	switch {
	case (c.Name == "") != (c.Site != "" && c.Plan != "") || c.Name != "" && (c.Site != "" || c.Plan != ""):
		return errors.New("name a machine, or give --site and --plan")
	case err != nil || at.User != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https":
		return errors.New("--url: want one of http or https, without a user in it")
	case !digestForm.MatchString(c.SHA256):
		return fmt.Errorf("--sha256 %s: want 64 hex digits in lower case", c.SHA256)
	case c.AtOnce < 1:
		return fmt.Errorf("--at-once %d: want 1 or more", c.AtOnce)
	}
	return nil
}

// Run updates one machine, or many.
func (c machineUpdateCommand) Run(ctx context.Context, a *app) error {
	if err := c.usable(); err != nil {
		return usage(err)
	}
	update := workflows.Update{Component: c.Component, Version: c.Version, URL: c.URL, SHA256: c.SHA256}
	if c.Name == "" {
		return c.rollout(ctx, a, update)
	}
	all, err := a.fleet(ctx)
	if err != nil {
		return err
	}
	kind := machineRun{metal.ForUpdate, func(r temporal.Runs, ctx context.Context, in workflows.MachineInput) (temporal.Execution, error) {
		return r.StartUpdate(ctx, workflows.UpdateInput{Machine: in.Machine, Site: in.Site, Update: update})
	}}
	return a.onMachines(ctx, kind, c.awaiting, all, []metal.MachineID{c.Name})
}

// rolloutAnswer is a rollout, as programs read it.
type rolloutAnswer struct {
	Run string `json:"run"`
	workflows.RolloutResult
}

func (c machineUpdateCommand) rollout(ctx context.Context, a *app, update workflows.Update) error {
	var found rolloutAnswer
	run, err := a.conduct(ctx, c.awaiting, func(ctx context.Context) (temporal.Execution, error) {
		return temporal.Runs{Client: a.client}.StartRollout(ctx, workflows.RolloutInput{Site: c.Site, Plan: c.Plan, AtOnce: c.AtOnce, Update: update})
	}, &found.RolloutResult)
	if err != nil {
		return err
	}
	if found.Run = run.ID; !c.Wait {
		return a.printRun(run)
	}
	if a.Output == "json" {
		return printJSON(a.out, found)
	}
	_, err = fmt.Fprintf(a.out, "%s is %s on %d machines more; idle ones that have another: %d\n", c.Component, c.Version, len(found.Updated), found.Left)
	return err
}
