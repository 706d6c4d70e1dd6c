package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/google/uuid"

	"millwright/internal/metal"
	"millwright/workflows"
)

// common is what every order takes.
type common struct {
	ID   string `env:"-" name:"id" help:"Your own ID for the order: given twice, it is one order. Left out, a new one is made." placeholder:"ORDER-ID"`
	Wait bool   `env:"-" help:"Follow the device's events until the order has ended; exit 1 if it failed."`
}

type provisionCommand struct {
	Project    metal.ProjectID         `required:"" help:"Who pays."`
	Site       metal.SiteID            `required:"" help:"Where."`
	Plan       metal.PlanID            `required:"" help:"Which hardware; see the site file."`
	OS         metal.OperatingSystemID `required:"" name:"os" help:"Which operating system."`
	Device     metal.DeviceID          `env:"-" help:"The device's ID, a new lower-case UUID. Left out, it is made from the order's." placeholder:"UUID"`
	WaitInLine metal.Wait              `env:"-" help:"Where no machine is idle, wait so long for one, in turn among all projects: 90m, 12h, up to 168h. Left out, the order fails at once." placeholder:"TIME"`
	described  `embed:""`
	common     `embed:""`
}

// Run stores the user data, if any, then gives the order.
func (c provisionCommand) Run(ctx context.Context, a *app) error {
	in := metal.OrderInput{
		Action: metal.ActionProvision, Device: c.Device, Project: c.Project, Site: c.Site, Plan: c.Plan,
		OperatingSystem: c.OS, Wait: c.WaitInLine,
	}
	if err := c.describe(ctx, a, &in); err != nil {
		return err
	}
	return a.order(ctx, c.common, in)
}

// described is what a device may be given, whoever orders it.
type described struct {
	Hostname string   `env:"-" help:"Left out, it is made from the device's ID."`
	SSHKey   []string `env:"-" name:"ssh-key" type:"existingfile" help:"File of public keys that may log in as root, such as ~/.ssh/id_ed25519.pub." placeholder:"FILE"`
	Tag      []string `env:"-" help:"Words of yours that the device carries."`
	UserData string   `env:"-" type:"existingfile" help:"File that the installed system gets as its user data (cloud-init, Ignition); it is stored first." placeholder:"FILE"`
	Script   string   `env:"-" name:"ipxe-script-url" help:"Your own iPXE script, for a system that boots one." placeholder:"URL"`
	Always   bool     `env:"-" name:"always-pxe" help:"Boot the script each time, not the first time only."`
	Storage  string   `env:"-" type:"existingfile" help:"File with the layout of the disks, JSON." placeholder:"FILE"`
	Custom   string   `env:"-" name:"custom-data" type:"existingfile" help:"File with a JSON object for the device's metadata." placeholder:"FILE"`
}

// describe reads the files, and stores the user data.
func (c described) describe(ctx context.Context, a *app, in *metal.OrderInput) error {
	in.Hostname, in.Tags, in.ScriptURL, in.AlwaysPXE = c.Hostname, c.Tag, c.Script, c.Always
	if err := c.objects(in); err != nil {
		return err
	}
	for _, file := range c.SSHKey {
		keys, err := publicKeys(file)
		if err != nil {
			return err
		}
		in.SSHKeys = append(in.SSHKeys, keys...)
	}
	if c.UserData == "" {
		return nil
	}
	hash, err := storeUserData(ctx, a, c.UserData)
	in.UserData = hash
	return err
}

// objects reads what is given as JSON files.
func (c described) objects(in *metal.OrderInput) error {
	for file, into := range map[string]*json.RawMessage{c.Storage: &in.Storage, c.Custom: &in.CustomData} {
		if file == "" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if !json.Valid(text) {
			return usage(fmt.Errorf("%s is no JSON", file))
		}
		*into = text
	}
	return nil
}

// publicKeys are the lines of a file like authorized_keys. A private key is
// caught here, before it stands in a database.
func publicKeys(file string) (keys []string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read SSH keys: %w", err)
	}
	if strings.Contains(string(text), "PRIVATE KEY") {
		return nil, usage(fmt.Errorf("%s is a private key; give the .pub beside it", file))
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			keys = append(keys, line)
		}
	}
	return keys, nil
}

type reinstallCommand struct {
	Device metal.DeviceID          `arg:"" help:"The device's ID."`
	OS     metal.OperatingSystemID `required:"" name:"os" help:"Which operating system."`
	Script string                  `env:"-" name:"ipxe-script-url" help:"Your own iPXE script, for a system that boots one." placeholder:"URL"`
	common `embed:""`
}

// Run gives the order.
func (c reinstallCommand) Run(ctx context.Context, a *app) error {
	return a.order(ctx, c.common, metal.OrderInput{Action: metal.ActionReinstall, Device: c.Device, OperatingSystem: c.OS, ScriptURL: c.Script})
}

type rescueCommand struct {
	Device metal.DeviceID `arg:"" help:"The device's ID."`
	common `embed:""`
}

// Run gives the order.
func (c rescueCommand) Run(ctx context.Context, a *app) error {
	return a.order(ctx, c.common, metal.OrderInput{Action: metal.ActionRescue, Device: c.Device})
}

type deprovisionCommand struct {
	Device metal.DeviceID `arg:"" help:"The device's ID."`
	common `embed:""`
}

// Run gives the order.
func (c deprovisionCommand) Run(ctx context.Context, a *app) error {
	return a.order(ctx, c.common, metal.OrderInput{Action: metal.ActionDeprovision, Device: c.Device})
}

type powerCommand struct {
	State  string         `arg:"" enum:"on,off,reboot" help:"on, off or reboot."`
	Device metal.DeviceID `arg:"" help:"The device's ID."`
	common `embed:""`
}

// Run gives the order.
func (c powerCommand) Run(ctx context.Context, a *app) error {
	action := map[string]metal.Action{"on": metal.ActionPowerOn, "off": metal.ActionPowerOff, "reboot": metal.ActionReboot}[c.State]
	return a.order(ctx, c.common, metal.OrderInput{Action: action, Device: c.Device})
}

// order gives one order and says what stands, whether or not its run has
// started by then.
func (a *app) order(ctx context.Context, c common, in metal.OrderInput) error {
	if c.ID == "" {
		c.ID = uuid.NewString()
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	order, err := metal.ParseOrder(metal.OrderID(c.ID), raw)
	if err != nil {
		return usage(err)
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	runs, err := a.runs(ctx)
	if err != nil {
		return err
	}
	last, err := store.Queries().LastEvent(ctx, string(order.Device))
	if err != nil {
		return err
	}
	p, err := office{store, runs, askLimit}.place(ctx, order)
	if err != nil {
		return err
	}
	if err := a.printPlaced(p); err != nil || !c.Wait {
		return err
	}
	return follow{a: a, store: store, order: order.ID, device: order.Device, after: last}.run(ctx)
}

func (a *app) printPlaced(p placed) error {
	if a.Output == "json" {
		return printJSON(a.out, orderAnswer(p.OrderStatus))
	}
	repeat := ""
	if !p.fresh {
		repeat = ", as it was before: the ID is not new"
	}
	fmt.Fprintf(a.out, "order   %s (%s%s)\ndevice  %s\nrun     %s\n", p.Order, p.State, repeat, p.Device, workflows.DeviceRun(p.Device))
	if p.unsent != nil {
		fmt.Fprintf(a.errs, "starter: Temporal does not answer, but the order stands: reconcile starts it once Temporal is back (%s)\n", inWords(p.unsent))
	}
	return nil
}

type userdataCommand struct {
	File string `arg:"" type:"existingfile" help:"The file to store; at most 64 KiB."`
}

// Run prints the hash alone, so that a script can use it.
func (c userdataCommand) Run(ctx context.Context, a *app) error {
	hash, err := storeUserData(ctx, a, c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, hash)
	return err
}

// maxUserData is what the table takes (schema/0002_devices.sql).
const maxUserData = 64 << 10

func storeUserData(ctx context.Context, a *app, file string) (string, error) {
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxUserData {
		return "", usage(fmt.Errorf("user data %s has %d bytes; at most %d", file, info.Size(), maxUserData))
	}
	body, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read user data: %w", err)
	}
	store, err := a.database(ctx)
	if err != nil {
		return "", err
	}
	return store.PutUserData(ctx, body)
}
