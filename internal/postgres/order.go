package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// RecordOrder writes an order, and the device of a provision, in one
// transaction. A repeat of the same order finds its row and how it stands; the
// same ID for something else is refused.
func (s *Store) RecordOrder(ctx context.Context, o metal.Order) (metal.OrderStatus, error) {
	status, _, err := s.PlaceOrder(ctx, o)
	return status, err
}

// PlaceOrder is RecordOrder for whoever has to know which of several equal
// orders was the first: fresh says that this call wrote the row.
func (s *Store) PlaceOrder(ctx context.Context, o metal.Order) (status metal.OrderStatus, fresh bool, err error) {
	err = s.in(ctx, func(q *query.Queries) error {
		row, err := s.place(ctx, q, o, &fresh)
		if err != nil {
			return err
		}
		status, err = orderStatus(ctx, q, row)
		return err
	})
	return status, fresh, err
}

// place writes an order, or finds it.
func (s *Store) place(ctx context.Context, q *query.Queries, o metal.Order, fresh *bool) (query.Order, error) {
	// Without the lock a repeat that comes at the same moment sees no order,
	// and then the first one's device: it would be told that its own device
	// exists already.
	if err := q.LockOrder(ctx, string(o.ID)); err != nil {
		return query.Order{}, err
	}
	row, err := q.GetOrder(ctx, string(o.ID))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		*fresh = true
		if row, err = writeOrder(ctx, q, o); err == nil {
			err = errors.Join(s.laysItOut(o), s.bootsWithIt(ctx, q, o))
		}
	case err == nil && !sameJSON(row.Input, o.Input):
		err = fmt.Errorf("order %s: it was given before with another input, for device %s; use a new ID: %w", o.ID, row.Device, metal.ErrOrderConflict)
	}
	return row, err
}

// laysItOut refuses a layout of disks that no agent would take.
func (s *Store) laysItOut(o metal.Order) error {
	if s.CheckStorage == nil || len(o.Wish.Storage) == 0 {
		return nil
	}
	if err := s.CheckStorage(o.Wish.Storage); err != nil {
		return invalid("storage", "%s", err)
	}
	return nil
}

// bootsWithIt refuses user data that the system would choke on, or ignore
// without a word.
func (s *Store) bootsWithIt(ctx context.Context, q *query.Queries, o metal.Order) error {
	if s.CheckUserData == nil || o.Action != metal.ActionProvision && o.Action != metal.ActionReinstall {
		return nil
	}
	d, err := q.GetDevice(ctx, string(o.Device))
	if err != nil || d.UserData == nil {
		return err
	}
	body, err := q.UserDataOf(ctx, *d.UserData)
	if err != nil {
		return err
	}
	return s.checkUserData(ctx, q, string(o.Wish.OperatingSystem), body)
}

func (s *Store) checkUserData(ctx context.Context, q *query.Queries, os string, body []byte) error {
	if s.CheckUserData == nil || len(body) == 0 {
		return nil
	}
	first, err := q.FirstBootOfSystem(ctx, os)
	if err != nil {
		return err
	}
	if err := s.CheckUserData(metal.FirstBootMethod(first), body); err != nil {
		return invalid("user_data", "%s: %s", os, err)
	}
	return nil
}

func writeOrder(ctx context.Context, q *query.Queries, o metal.Order) (query.Order, error) {
	if err := admit(ctx, q, o); err != nil {
		return query.Order{}, err
	}
	err := q.InsertOrder(ctx, query.InsertOrderParams{ID: string(o.ID), Action: string(o.Action), Device: string(o.Device), Input: o.Input, Patience: time.Duration(o.Wish.Wait)})
	if err != nil {
		return query.Order{}, err
	}
	claim := metal.Claim{Device: o.Device}
	if err := event(ctx, q, claim, "order", "%s ordered as %s", o.Action, o.ID); err != nil {
		return query.Order{}, err
	}
	return q.GetOrder(ctx, string(o.ID))
}

// admit refuses what cannot be, and writes the device of a provision.
func admit(ctx context.Context, q *query.Queries, o metal.Order) error {
	device, err := q.LockDevice(ctx, string(o.Device))
	known := err == nil
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if o.Action == metal.ActionProvision {
		if known {
			return invalid("device", "%s exists already; leave it out, or choose a new UUID", o.Device)
		}
		if err := openProject(ctx, q, o.Wish.Project); err != nil {
			return err
		}
		return admitDevice(ctx, q, o)
	}
	if !known {
		return fmt.Errorf("%s: device %s: %w", o.Action, o.Device, metal.ErrUnknownDevice)
	}
	if o.Action != metal.ActionDeprovision && (device.State == string(metal.Deleted) || device.State == string(metal.Deprovisioning)) {
		return fmt.Errorf("%s device %s: it is %s: %w", o.Action, o.Device, device.State, metal.ErrWrongState)
	}
	if device.Locked && (o.Action == metal.ActionDeprovision || o.Action == metal.ActionReinstall) {
		return fmt.Errorf("%s device %s: it is locked; unlock it first: %w", o.Action, o.Device, metal.ErrWrongState)
	}
	if o.Action == metal.ActionReinstall {
		if err := runsOn(ctx, q, device.Plan, string(o.Wish.OperatingSystem)); err != nil {
			return err
		}
		return hasScript(ctx, q, o.Wish.OperatingSystem, o.Wish.ScriptURL, value(device.UserData))
	}
	return nil
}

func admitDevice(ctx context.Context, q *query.Queries, o metal.Order) error {
	w := o.Wish
	if err := canBe(ctx, q, w); err != nil {
		return err
	}
	if err := checkDeviceQuota(ctx, q, w.Project, w.Plan, 1); err != nil {
		return err
	}
	var userData *string
	if w.UserData != "" {
		userData = &w.UserData
	}
	return q.InsertDevice(ctx, query.InsertDeviceParams{
		ID: string(o.Device), Project: string(w.Project), Site: string(w.Site), Plan: string(w.Plan),
		OperatingSystem: string(w.OperatingSystem), Hostname: w.Hostname,
		SshKeys: notNil(w.SSHKeys), Tags: notNil(w.Tags), UserData: userData,
		IpxeUrl: w.ScriptURL, AlwaysPxe: w.AlwaysPXE, Storage: w.Storage, CustomData: orEmpty(w.CustomData),
	})
}

// canBe refuses a device that names what is not there, or does not go together.
func canBe(ctx context.Context, q *query.Queries, w metal.OrderInput) error {
	if ok, err := q.HasSite(ctx, string(w.Site)); err != nil || !ok {
		return orInvalid(err, "site", "no site is called %q", w.Site)
	}
	if ok, err := q.HasPlan(ctx, string(w.Plan)); err != nil || !ok {
		return orInvalid(err, "plan", "no plan is called %q", w.Plan)
	}
	if err := runsOn(ctx, q, string(w.Plan), string(w.OperatingSystem)); err != nil {
		return err
	}
	if err := hasScript(ctx, q, w.OperatingSystem, w.ScriptURL, w.UserData); err != nil {
		return err
	}
	if w.UserData != "" {
		if ok, err := q.HasUserData(ctx, w.UserData); err != nil || !ok {
			return orInvalid(err, "user_data", "nothing is stored under %s; store it first (starter userdata)", w.UserData)
		}
	}
	return nil
}

func orEmpty(object []byte) []byte {
	if len(object) == 0 {
		return []byte("{}")
	}
	return object
}

// hasScript refuses a system that boots the tenant's script where there is none,
// and a script where nothing boots it.
func hasScript(ctx context.Context, q *query.Queries, os metal.OperatingSystemID, address, userData string) error {
	first, err := q.FirstBootOfSystem(ctx, string(os))
	if err != nil {
		return err
	}
	if first != string(metal.IPXE) {
		if address != "" {
			return invalid("ipxe_script_url", "%s is installed, and boots no script; leave it out, or order a system that does", os)
		}
		return nil
	}
	if address != "" {
		return nil
	}
	body, err := q.UserDataOf(ctx, userData)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if !bytes.HasPrefix(body, []byte("#!ipxe")) {
		return invalid("ipxe_script_url", "%s boots a script of your own: give its URL, or user data that begins with #!ipxe", os)
	}
	return nil
}

func runsOn(ctx context.Context, q *query.Queries, plan, os string) error {
	if ok, err := q.HasOperatingSystem(ctx, os); err != nil || !ok {
		return orInvalid(err, "operating_system", "none is called %q", os)
	}
	if ok, err := q.PlanRuns(ctx, query.PlanRunsParams{Plan: plan, OperatingSystem: os}); err != nil || !ok {
		return orInvalid(err, "operating_system", "%s does not run on plan %s", os, plan)
	}
	return nil
}

// invalid names the field of an order that cannot be.
func invalid(field, format string, args ...any) error {
	return fmt.Errorf("%s: %s: %w", field, fmt.Sprintf(format, args...), metal.ErrInvalidOrder)
}

func orInvalid(err error, field, format string, args ...any) error {
	if err != nil {
		return err
	}
	return invalid(field, format, args...)
}

func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// sameJSON compares two orders as Postgres keeps them: key order and white
// space say nothing.
func sameJSON(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	ca, _ := json.Marshal(x) // what Unmarshal made, Marshal takes
	cb, _ := json.Marshal(y)
	return bytes.Equal(ca, cb)
}

func orderStatus(ctx context.Context, q *query.Queries, row query.Order) (metal.OrderStatus, error) {
	d, err := q.GetDevice(ctx, row.Device)
	return metal.OrderStatus{
		Order: metal.OrderID(row.ID), Action: metal.Action(row.Action), Device: metal.DeviceID(row.Device),
		Project: metal.ProjectID(d.Project), Site: metal.SiteID(d.Site), Plan: metal.PlanID(d.Plan),
		State: row.State, Outcome: row.Outcome,
	}, err
}

// Order is how an order stands.
func (s *Store) Order(ctx context.Context, id metal.OrderID) (metal.OrderStatus, error) {
	row, err := s.Queries().GetOrder(ctx, string(id))
	if err != nil {
		return metal.OrderStatus{}, err
	}
	return orderStatus(ctx, s.Queries(), row)
}

// PutUserData stores user data and returns the name by which an order gives it.
// Safe to repeat: the same bytes have the same name.
func (s *Store) PutUserData(ctx context.Context, body []byte) (string, error) {
	return s.Queries().InsertUserData(ctx, body)
}
