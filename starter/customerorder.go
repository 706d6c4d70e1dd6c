package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"millwright/internal/apiclient"
)

type deviceCreate struct {
	within      `embed:""`
	Plan        string   `required:"" env:"-" completion-predictor:"plan" help:"Which hardware; see starter plans."`
	OS          string   `required:"" env:"-" name:"os" completion-predictor:"system" help:"Which operating system; see starter systems."`
	Metro       string   `env:"-" completion-predictor:"metro" help:"Where; see starter metros."`
	Facility    []string `env:"-" help:"Where exactly, instead: one site, or several of which any will do."`
	Hostname    string   `env:"-" help:"Left out, it is made from the device's ID."`
	Description string   `env:"-" help:"Words of yours."`
	Tag         []string `env:"-" help:"Words that lists can be searched for."`
	SSHKey      []string `env:"-" name:"ssh-key" type:"existingfile" placeholder:"FILE" help:"File of public keys that may log in, such as ~/.ssh/id_ed25519.pub. Left out, the project's and its members' may."`
	NoSSHKeys   bool     `env:"-" name:"no-ssh-keys" help:"Let no key in."`
	UserData    string   `env:"-" type:"existingfile" placeholder:"FILE" help:"File that the installed system gets as its user data (cloud-init, Ignition)."`
	CustomData  string   `env:"-" name:"custom-data" type:"existingfile" placeholder:"FILE" help:"File with a JSON object for the device's metadata."`
	Storage     string   `env:"-" type:"existingfile" placeholder:"FILE" help:"File with the layout of the disks, JSON."`
	Script      string   `env:"-" name:"ipxe-script-url" placeholder:"URL" help:"Your own iPXE script, for the system custom_ipxe."`
	Always      bool     `env:"-" name:"always-pxe" help:"Boot the script each time, not the first time only."`
	PrivateOnly bool     `env:"-" help:"No public addresses."`
	Reservation string   `env:"-" placeholder:"ID" help:"A hardware reservation of yours, or next-available."`
	Until       string   `env:"-" placeholder:"TIME" help:"When it ends by itself, like 2027-01-31T18:00:00Z."`
	waiting     `embed:""`
}

// Run orders one device, and prints it as it stands then, or as it is when it
// can be used.
func (d deviceCreate) Run(ctx context.Context, a *app) error {
	c, err := d.client()
	if err != nil {
		return err
	}
	body, err := d.body()
	if err != nil {
		return err
	}
	project, err := d.project(ctx, c)
	if err != nil {
		return err
	}
	var made answered[apiclient.Device]
	if err := c.Post(ctx, below("projects", project, "devices"), body, &made); err != nil {
		return fmt.Errorf("order a device: %w", err)
	}
	if d.Wait {
		if made, err = d.await(ctx, a, c, made.it.ID, "active"); err != nil {
			return err
		}
	}
	return made.print(a, deviceFacts)
}

// body leaves out what was not given.
func (d deviceCreate) body() (map[string]any, error) {
	body := map[string]any{}
	for name, value := range map[string]string{
		"plan": d.Plan, "operating_system": d.OS, "metro": d.Metro, "hostname": d.Hostname, "description": d.Description,
		"ipxe_script_url": d.Script, "hardware_reservation_id": d.Reservation, "termination_time": d.Until,
	} {
		if value != "" {
			body[name] = value
		}
	}
	for name, value := range map[string][]string{"facility": d.Facility, "tags": d.Tag} {
		if len(value) > 0 {
			body[name] = value
		}
	}
	for name, value := range map[string]bool{"always_pxe": d.Always, "no_ssh_keys": d.NoSSHKeys} {
		if value {
			body[name] = true
		}
	}
	if d.PrivateOnly {
		body["ip_addresses"] = []map[string]any{{"address_family": 4, "public": false}}
	}
	return body, d.files(body)
}

// files reads what is given as files.
func (d deviceCreate) files(body map[string]any) error {
	var keys []map[string]string
	for _, file := range d.SSHKey {
		lines, err := publicKeys(file)
		if err != nil {
			return err
		}
		for _, line := range lines {
			keys = append(keys, map[string]string{"label": file, "key": line})
		}
	}
	if keys != nil {
		body["ssh_keys"] = keys
	}
	if d.UserData != "" {
		text, err := os.ReadFile(d.UserData)
		if err != nil {
			return fmt.Errorf("read user data: %w", err)
		}
		body["userdata"] = string(text)
	}
	for name, file := range map[string]string{"customdata": d.CustomData, "storage": d.Storage} {
		if file == "" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if !json.Valid(text) {
			return usage(fmt.Errorf("%s is no JSON", file))
		}
		body[name] = json.RawMessage(text)
	}
	return nil
}
