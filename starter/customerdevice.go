package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"millwright/internal/apiclient"
)

// deviceCommand is what customers do with devices.
type deviceCommand struct {
	Create    deviceCreate    `cmd:"" group:"Order" help:"Order a device."`
	Reinstall deviceReinstall `cmd:"" group:"Order" help:"Put another system onto a device. Its disks are erased, its addresses stay."`
	Rescue    deviceRescue    `cmd:"" group:"Order" help:"Boot a device into the rescue system: SSH with its keys, disks untouched. A reboot leads back to its disk."`
	Power     devicePower     `cmd:"" group:"Order" help:"Turn a device on, off, or off and on again."`
	Delete    deviceDelete    `cmd:"" group:"Order" help:"Give a device back. Its disks are erased, and there is no way back."`

	List   deviceList   `cmd:"" group:"Look" help:"List a project's devices."`
	Show   deviceShow   `cmd:"" group:"Look" help:"Show a device."`
	Events deviceEvents `cmd:"" group:"Look" help:"What happened to a device, the newest first."`

	Update  deviceUpdate  `cmd:"" group:"Alter" help:"Change a device's hostname, description, tags, or what it is told."`
	Lock    deviceLock    `cmd:"" group:"Alter" help:"Protect a device from being deleted or reinstalled, whoever asks."`
	Unlock  deviceUnlock  `cmd:"" group:"Alter" help:"Take that away again."`
	Session deviceSession `cmd:"" group:"Alter" help:"A device's BGP sessions: list, add, remove."`
}

// ofDevice is what a command on one device takes.
type ofDevice struct {
	Device string `arg:"" name:"device" completion-predictor:"device" help:"The device's ID, or its hostname."`
	within `embed:""`
}

// find is a client, and which device is meant. A hostname is looked for in the
// project, and has to be one device's there.
func (o ofDevice) find(ctx context.Context) (*apiclient.Client, string, error) {
	c, err := o.client()
	if err != nil || uuidForm.MatchString(o.Device) {
		return c, o.Device, err
	}
	project, err := o.project(ctx, c)
	if err != nil {
		return nil, "", err
	}
	items, err := c.List(ctx, below("projects", project, "devices"), "devices", url.Values{"hostname": {o.Device}})
	if err != nil {
		return nil, "", fmt.Errorf("look for device %s: %w", o.Device, err)
	}
	var found []string
	for _, raw := range items {
		var d apiclient.Device
		if err := json.Unmarshal(raw, &d); err != nil {
			return nil, "", err
		}
		if d.Hostname == o.Device {
			found = append(found, d.ID)
		}
	}
	if len(found) != 1 {
		return nil, "", usage(fmt.Errorf("%d devices of the project are called %s; see starter device list, and give an ID", len(found), o.Device))
	}
	return c, found[0], nil
}

type deviceList struct {
	within   `embed:""`
	Search   string `env:"-" help:"Only those whose hostname, description, tags or addresses have it."`
	Hostname string `env:"-" help:"Only this one."`
	Tag      string `env:"-" help:"Only those with this tag."`
	Metro    string `env:"-" completion-predictor:"metro" help:"Only those in this metro."`
}

// Run prints one listing.
func (l deviceList) Run(ctx context.Context, a *app) error {
	c, err := l.client()
	if err != nil {
		return err
	}
	project, err := l.project(ctx, c)
	if err != nil {
		return err
	}
	q := url.Values{}
	for name, value := range map[string]string{"search": l.Search, "hostname": l.Hostname, "tag": l.Tag, "metro": l.Metro} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return listing[apiclient.Device]{
		path: below("projects", project, "devices"), name: "devices", query: q,
		columns: []string{"device", "hostname", "state", "plan", "operating_system", "where", "address", "tags", "created_at"},
		row: func(d apiclient.Device) []any {
			return []any{d.ID, d.Hostname, d.State, d.Plan.Slug, d.OperatingSystem.Slug, place(d), mainAddress(d), d.Tags, d.Created}
		},
	}.print(ctx, a, c)
}

// place is the metro, and the facility in it.
func place(d apiclient.Device) string {
	if d.Metro.Code == "" || d.Facility.Code == "" {
		return cmp.Or(d.Metro.Code, d.Facility.Code)
	}
	return d.Metro.Code + "/" + d.Facility.Code
}

// mainAddress is where people log in.
func mainAddress(d apiclient.Device) string {
	for _, public := range []bool{true, false} {
		for _, a := range d.Addresses {
			if a.Public == public && a.Family == 4 {
				return a.Address
			}
		}
	}
	return ""
}

type deviceShow struct {
	ofDevice `embed:""`
}

// Run prints what there is to know.
func (s deviceShow) Run(ctx context.Context, a *app) error {
	c, id, err := s.find(ctx)
	if err != nil {
		return err
	}
	var d answered[apiclient.Device]
	if err := c.Get(ctx, below("devices", id), &d); err != nil {
		return fmt.Errorf("device %s: %w", s.Device, err)
	}
	return d.print(a, deviceFacts)
}

func deviceFacts(d apiclient.Device) [][]any {
	facts := [][]any{
		{"device", d.ID}, {"hostname", d.Hostname}, {"state", standing(d)}, {"plan", d.Plan.Slug},
		{"operating system", d.OperatingSystem.Slug}, {"where", place(d)}, {"created", d.Created},
	}
	for _, fact := range [][]any{{"description", d.Description}, {"ends", d.Termination}} {
		if fact[1] != "" {
			facts = append(facts, fact)
		}
	}
	if len(d.Tags) > 0 {
		facts = append(facts, []any{"tags", d.Tags})
	}
	if d.Locked {
		facts = append(facts, []any{"locked", "yes; starter device unlock"})
	}
	for _, address := range d.Addresses {
		facts = append(facts, []any{"address", addressInWords(address)})
	}
	return facts
}

func addressInWords(a apiclient.Address) string {
	text := fmt.Sprintf("%s/%d", a.Address, a.CIDR)
	if a.Gateway != "" {
		text += ", gateway " + a.Gateway
	}
	kind := map[bool]string{true: "public", false: "private"}[a.Public]
	if !a.Management {
		kind += ", elastic"
	}
	return text + " (" + kind + ")"
}

type deviceEvents struct {
	ofDevice `embed:""`
}

// Run prints what was recorded.
func (e deviceEvents) Run(ctx context.Context, a *app) error {
	c, id, err := e.find(ctx)
	if err != nil {
		return err
	}
	return listing[apiclient.Event]{
		path: below("devices", id, "events"), name: "events", columns: []string{"at", "type", "state", "what"},
		row: func(e apiclient.Event) []any {
			return []any{e.Created, e.Type, e.State, cmp.Or(e.Interpolated, e.Body)}
		},
	}.print(ctx, a, c)
}
