package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"regexp"

	"millwright/internal/metal"
)

// Assigning is what the store does to elastic addresses of devices.
type Assigning interface {
	AssignAddress(ctx context.Context, c metal.Request, device metal.DeviceID, address netip.Prefix, words metal.Words) error
	UnassignAddress(ctx context.Context, c metal.Request, id string) error
	DescribeAddress(ctx context.Context, c metal.Request, a metal.Assignment, id string, words metal.Words) error
}

// IPAssignmentInput is what an address is assigned with.
type IPAssignmentInput struct {
	Address    string `json:"address"`              // of a reservation: 192.0.2.1, 192.0.2.1/32, 192.0.2.0/30
	Manageable *bool  `json:"manageable,omitempty"` // an assigned address always is
	WordsInput
}

func assignAddress(c *call) (any, error) {
	var in IPAssignmentInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.Address == "" {
		return nil, unprocessable("address: missing; name an address or prefix of a reservation")
	}
	if in.Manageable != nil && !*in.Manageable {
		return nil, unprocessable("manageable: an elastic address can always be unassigned; leave it out")
	}
	prefix, err := piece("address", in.Address)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	device := metal.DeviceID(c.id())
	err = c.server.Store.AssignAddress(c.ctx, c.change(), device, prefix, in.over(metal.Words{}))
	if err != nil {
		return nil, fieldFirst("address", err)
	}
	c.bring(device)
	return c.address(assignmentID(prefix, device))
}

// bring has a device's ports follow what was written. Where nobody can be told
// now, reconcile finds them.
func (c *call) bring(device metal.DeviceID) {
	if err := c.server.Runs.BringDevice(c.ctx, device); err != nil {
		c.server.Log.Warn("ports wait for reconcile", "device", device, "error", err)
	}
}

// deleteAddress releases a reservation, or takes an address from its device.
func deleteAddress(c *call) (any, error) {
	b, err := c.server.Store.ProjectBlock(c.ctx, c.id())
	switch {
	case isNotFound(err):
		return nil, unassignAddress(c)
	case err != nil:
		return nil, err
	case b.Own:
		return nil, unprocessable("id: %s is for the addresses that devices come with; it is given back with the last of them", b.Prefix)
	}
	return nil, fieldFirst("id", c.server.Store.ReleaseAddresses(c.ctx, c.change(), metal.ReservationID(b.ID)))
}

func unassignAddress(c *call) error {
	a, err := c.server.Store.Address(c.ctx, c.id())
	if err != nil {
		return err
	}
	if err := c.server.Store.UnassignAddress(c.ctx, c.change(), c.id()); err != nil {
		return fieldFirst("id", err)
	}
	c.bring(a.Device)
	return nil
}

func describeAddress(c *call) (any, error) {
	var in WordsInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	b, err := c.server.Store.ProjectBlock(c.ctx, c.id())
	switch {
	case isNotFound(err):
		a, err := c.server.Store.Address(c.ctx, c.id())
		if err == nil {
			err = c.server.Store.DescribeAddress(c.ctx, c.change(), a, c.id(), in.over(metal.Words{Details: a.Details, Tags: a.Tags, CustomData: a.CustomData}))
		}
		if err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case b.Own:
		return nil, unprocessable("id: %s is Millwright's to describe: it is for the addresses that devices come with", b.Prefix)
	default:
		if err := c.server.Store.DescribeBlock(c.ctx, c.change(), c.id(), in.over(b.Words)); err != nil {
			return nil, err
		}
	}
	return c.address(c.id())
}

// fieldFirst names the field that an error of the store is about, where the
// store does not: its words are for operators too.
func fieldFirst(field string, err error) error {
	if err == nil || errors.Is(err, metal.ErrRepeated) {
		return err
	}
	said := refusalOf(err)
	if said.code != http.StatusUnprocessableEntity || fieldNamed.MatchString(said.Error()) {
		return err
	}
	return unprocessable("%s: %s", field, said.Error())
}

var fieldNamed = regexp.MustCompile(`^[a-z_]+: `)
