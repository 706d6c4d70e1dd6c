package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"millwright/internal/apiclient"
)

// addressCommand is what customers do with addresses that outlive their
// devices.
type addressCommand struct {
	Reserve  addressReserve  `cmd:"" help:"Reserve elastic addresses."`
	List     addressList     `cmd:"" help:"List a project's reservations."`
	Assign   addressAssign   `cmd:"" help:"Route a reserved address, or a part of a reservation, to a device."`
	Unassign addressUnassign `cmd:"" help:"Take a reserved address from the device that has it."`
	Release  addressRelease  `cmd:"" help:"Give a reservation back. Refused while a device uses some of it."`
}

type addressReserve struct {
	within   `embed:""`
	Type     string   `env:"-" enum:"public_ipv4,public_ipv6,private_ipv4,global_ipv4" default:"public_ipv4" help:"public_ipv4, public_ipv6, private_ipv4 or global_ipv4."`
	Quantity int      `env:"-" default:"1" help:"How many: a power of two."`
	Metro    string   `env:"-" completion-predictor:"metro" help:"Where; not for global_ipv4."`
	Facility string   `env:"-" help:"Where exactly, instead."`
	Tag      []string `env:"-" help:"Words of yours."`
	Details  string   `env:"-" help:"What it is for; read by whoever approves large ones."`
	Now      bool     `env:"-" help:"Rather none than one that waits for approval."`
}

// Run asks for it; a large one waits for approval.
func (r addressReserve) Run(ctx context.Context, a *app) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	project, err := r.project(ctx, c)
	if err != nil {
		return err
	}
	body := map[string]any{"type": r.Type, "quantity": r.Quantity, "fail_on_approval_required": r.Now}
	for name, value := range map[string]string{"metro": r.Metro, "facility": r.Facility, "details": r.Details} {
		if value != "" {
			body[name] = value
		}
	}
	if len(r.Tag) > 0 {
		body["tags"] = r.Tag
	}
	var made answered[apiclient.Address]
	if err := c.Post(ctx, below("projects", project, "ips"), body, &made); err != nil {
		return fmt.Errorf("reserve addresses: %w", err)
	}
	return made.print(a, func(r apiclient.Address) [][]any {
		return [][]any{{"reservation", r.ID}, {"prefix", prefixOf(r)}, {"state", r.State}}
	})
}

// prefixOf is a reservation's; one that waits has none yet.
func prefixOf(r apiclient.Address) string {
	if r.Network == "" {
		return ""
	}
	return fmt.Sprintf("%s/%d", r.Network, r.CIDR)
}

type addressList struct {
	within `embed:""`
}

// Run prints one listing.
func (l addressList) Run(ctx context.Context, a *app) error {
	c, err := l.client()
	if err != nil {
		return err
	}
	project, err := l.project(ctx, c)
	if err != nil {
		return err
	}
	return listing[apiclient.Address]{
		path: below("projects", project, "ips"), name: "ip_addresses",
		columns: []string{"reservation", "prefix", "type", "state", "metro", "assigned", "tags", "details"},
		row: func(r apiclient.Address) []any {
			return []any{r.ID, prefixOf(r), r.Type, r.State, r.Metro.Code, len(r.Assigned), r.Tags, r.Details}
		},
	}.print(ctx, a, c)
}

type addressAssign struct {
	Address  string `arg:"" name:"address" help:"An address of a reservation of yours, or a part of it like 198.51.100.8/30."`
	ofDevice `embed:""`
}

// Run asks for it; the switch follows within seconds.
func (s addressAssign) Run(ctx context.Context, a *app) error {
	c, id, err := s.find(ctx)
	if err != nil {
		return err
	}
	prefix := s.Address
	if !strings.Contains(prefix, "/") {
		prefix += map[bool]string{true: "/128", false: "/32"}[strings.Contains(prefix, ":")]
	}
	var made answered[apiclient.Address]
	if err := c.Post(ctx, below("devices", id, "ips"), map[string]string{"address": prefix}, &made); err != nil {
		return fmt.Errorf("assign %s to device %s: %w", s.Address, s.Device, err)
	}
	return made.print(a, func(r apiclient.Address) [][]any {
		return [][]any{{"assignment", r.ID}, {"prefix", prefixOf(r)}, {"device", id}}
	})
}

type addressUnassign struct {
	Address  string `arg:"" name:"address" help:"The address, as starter device show prints it."`
	ofDevice `embed:""`
}

// Run finds the device's assignment of the address, and ends it.
func (u addressUnassign) Run(ctx context.Context, a *app) error {
	c, id, err := u.find(ctx)
	if err != nil {
		return err
	}
	var d apiclient.Device
	if err := c.Get(ctx, below("devices", id), &d); err != nil {
		return fmt.Errorf("device %s: %w", u.Device, err)
	}
	for _, at := range d.Addresses {
		if at.Management || u.Address != at.Address && u.Address != prefixOf(at) {
			continue
		}
		if err := c.Delete(ctx, below("ips", at.ID)); err != nil {
			return fmt.Errorf("unassign %s: %w", u.Address, err)
		}
		return a.said("%s is no longer of device %s", u.Address, u.Device)
	}
	return fmt.Errorf("device %s has no elastic address %s; see starter device show %s", u.Device, u.Address, u.Device)
}

type addressRelease struct {
	within      `embed:""`
	Reservation string `arg:"" help:"The reservation's ID, or its prefix."`
}

// Run ends the reservation.
func (r addressRelease) Run(ctx context.Context, a *app) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	id := r.Reservation
	if !uuidForm.MatchString(id) {
		if id, err = r.find(ctx, c); err != nil {
			return err
		}
	}
	if err := c.Delete(ctx, below("ips", id)); err != nil {
		return fmt.Errorf("release %s: %w", r.Reservation, err)
	}
	return a.said("%s is released", r.Reservation)
}

func (r addressRelease) find(ctx context.Context, c *apiclient.Client) (string, error) {
	project, err := r.project(ctx, c)
	if err != nil {
		return "", err
	}
	var found struct {
		Reservations []apiclient.Address `json:"ip_addresses"`
	}
	if err := c.Get(ctx, below("projects", project, "ips"), &found); err != nil {
		return "", fmt.Errorf("list your reservations: %w", err)
	}
	for _, one := range found.Reservations {
		if prefixOf(one) == r.Reservation || one.Address == r.Reservation && one.Address != "" {
			return one.ID, nil
		}
	}
	return "", usage(errors.New("no reservation of the project is " + r.Reservation + "; see starter address list"))
}
