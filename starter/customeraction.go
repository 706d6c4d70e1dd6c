package main

import (
	"context"
	"fmt"

	"millwright/internal/apiclient"
)

// act asks for an action, and waits for the state that it leads to where that
// is wanted.
func (o ofDevice) act(ctx context.Context, a *app, w waiting, action map[string]any, leads string) error {
	c, id, err := o.find(ctx)
	if err != nil {
		return err
	}
	if err := c.Post(ctx, below("devices", id, "actions"), action, nil); err != nil {
		return fmt.Errorf("device %s: %w", o.Device, err)
	}
	if !w.Wait {
		return a.said("device %s: %s is under way; see starter device show", o.Device, action["type"])
	}
	d, err := w.await(ctx, a, c, id, leads)
	if err != nil {
		return err
	}
	return d.print(a, deviceFacts)
}

type deviceReinstall struct {
	ofDevice `embed:""`
	OS       string `env:"-" name:"os" completion-predictor:"system" help:"Which operating system; left out, the same again."`
	Script   string `env:"-" name:"ipxe-script-url" placeholder:"URL" help:"Your own iPXE script, for the system custom_ipxe."`
	waiting  `embed:""`
}

// Run asks for it.
func (r deviceReinstall) Run(ctx context.Context, a *app) error {
	action := map[string]any{"type": "reinstall"}
	if r.OS != "" {
		action["operating_system"] = r.OS
	}
	if r.Script != "" {
		action["ipxe_script_url"] = r.Script
	}
	return r.act(ctx, a, r.waiting, action, "active")
}

type deviceRescue struct {
	ofDevice `embed:""`
}

// Run asks for it. The device stays active, so there is no state to wait for.
func (r deviceRescue) Run(ctx context.Context, a *app) error {
	return r.act(ctx, a, waiting{}, map[string]any{"type": "rescue"}, "")
}

type devicePower struct {
	State    string `arg:"" enum:"on,off,reboot" help:"on, off or reboot."`
	ofDevice `embed:""`
	waiting  `embed:""`
}

// Run asks for it.
func (p devicePower) Run(ctx context.Context, a *app) error {
	if p.State == "reboot" {
		if p.Wait {
			return usage(fmt.Errorf("a device stays active while it reboots; leave --wait out"))
		}
		return p.act(ctx, a, waiting{}, map[string]any{"type": "reboot"}, "")
	}
	leads := map[string]string{"on": "active", "off": "inactive"}[p.State]
	return p.act(ctx, a, p.waiting, map[string]any{"type": "power_" + p.State}, leads)
}

type deviceDelete struct {
	ofDevice `embed:""`
	waiting  `embed:""`
}

// Run gives the device back. It is gone once its disks are erased.
func (d deviceDelete) Run(ctx context.Context, a *app) error {
	c, id, err := d.find(ctx)
	if err != nil {
		return err
	}
	if err := c.Delete(ctx, below("devices", id)); err != nil {
		return fmt.Errorf("device %s: %w", d.Device, err)
	}
	if !d.Wait {
		return a.said("device %s is being erased", d.Device)
	}
	if err := d.awaitGone(ctx, a, c, id); err != nil {
		return err
	}
	return a.said("device %s is gone", d.Device)
}

type deviceUpdate struct {
	ofDevice    `embed:""`
	Hostname    *string   `env:"-" help:"Its new hostname."`
	Description *string   `env:"-" help:"Words of yours."`
	Tag         *[]string `env:"-" help:"All of its tags from now on."`
	AlwaysPXE   *bool     `env:"-" name:"always-pxe" negatable:"" help:"Boot its iPXE script each time."`
	Until       *string   `env:"-" placeholder:"TIME" help:"When it ends by itself, like 2027-01-31T18:00:00Z."`
}

// Run changes what was given, and nothing else.
func (u deviceUpdate) Run(ctx context.Context, a *app) error {
	body := map[string]any{}
	for name, value := range map[string]*string{"hostname": u.Hostname, "description": u.Description, "termination_time": u.Until} {
		if value != nil {
			body[name] = *value
		}
	}
	if u.Tag != nil {
		body["tags"] = *u.Tag
	}
	if u.AlwaysPXE != nil {
		body["always_pxe"] = *u.AlwaysPXE
	}
	if len(body) == 0 {
		return usage(fmt.Errorf("nothing to change is given"))
	}
	return u.alter(ctx, a, body)
}

func (o ofDevice) alter(ctx context.Context, a *app, body map[string]any) error {
	c, id, err := o.find(ctx)
	if err != nil {
		return err
	}
	var d answered[apiclient.Device]
	if err := c.Put(ctx, below("devices", id), body, &d); err != nil {
		return fmt.Errorf("device %s: %w", o.Device, err)
	}
	return d.print(a, deviceFacts)
}

type deviceLock struct {
	ofDevice `embed:""`
}

// Run locks it.
func (l deviceLock) Run(ctx context.Context, a *app) error {
	return l.alter(ctx, a, map[string]any{"locked": true})
}

type deviceUnlock struct {
	ofDevice `embed:""`
}

// Run unlocks it.
func (l deviceUnlock) Run(ctx context.Context, a *app) error {
	return l.alter(ctx, a, map[string]any{"locked": false})
}
