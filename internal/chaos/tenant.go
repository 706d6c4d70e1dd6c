package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"millwright/internal/metal"
)

// tenant orders, uses and gives back one device after the other.
type tenant struct {
	*load
	number  int
	next    func() round
	elastic metal.ReservationStatus
	device  atomic.Value // metal.DeviceID: the one that it has now, for its neighbour to see
}

// load is all tenants of a seed.
type load struct {
	w       *world
	book    *book
	tenants []*tenant
	over    context.Context // ends with the storm: nobody begins anything then
}

// live plays one round after the other until the storm is over. A round that is
// under way then is broken off between two of its acts; its device stays.
func (t *tenant) live(ctx context.Context) error {
	t.device.Store(metal.DeviceID(""))
	for {
		r := t.next()
		wait(t.over, r.pause)
		if t.over.Err() != nil {
			return ctx.Err()
		}
		if err := t.play(ctx, r); err != nil {
			return fmt.Errorf("tenant %d: %w", t.number, err)
		}
	}
}

// play is one round. What fails is the tenant's lot and counted elsewhere; an
// error here is that nobody answered until the very end.
func (t *tenant) play(ctx context.Context, r round) error {
	in := metal.OrderInput{
		Action: metal.ActionProvision, Project: t.project(), Site: site, Plan: "c1.small", OperatingSystem: system,
	}
	came, err := t.order(ctx, t.id(r, 0, in.Action), in, r.provision)
	if err != nil {
		return err
	}
	device, err := deviceOf(t.id(r, 0, in.Action), in)
	if err != nil {
		return err
	}
	if r.impatient > 0 {
		wait(ctx, r.impatient)
		return t.leave(ctx, r, device)
	}
	if _, err := hear(ctx, came); err != nil {
		return err
	}
	t.device.Store(device)
	defer t.device.Store(metal.DeviceID(""))
	for i, a := range r.acts {
		if t.over.Err() != nil {
			return nil
		}
		if err := t.act(ctx, r, i+1, device, a); err != nil {
			return err
		}
	}
	return t.leave(ctx, r, device)
}

func (t *tenant) act(ctx context.Context, r round, n int, device metal.DeviceID, a act) error {
	if a.action == "" {
		return t.move(ctx, t.holder(a.to, device))
	}
	in := metal.OrderInput{Action: a.action, Device: device}
	if a.action == metal.ActionReinstall {
		in.OperatingSystem = system
	}
	came, err := t.order(ctx, t.id(r, n, a.action), in, a.how)
	if err != nil {
		return err
	}
	_, err = hear(ctx, came)
	return err
}

func (t *tenant) leave(ctx context.Context, r round, device metal.DeviceID) error {
	in := metal.OrderInput{Action: metal.ActionDeprovision, Device: device}
	came, err := t.order(ctx, t.id(r, len(r.acts)+1, in.Action), in, r.farewell)
	if err != nil {
		return err
	}
	_, err = hear(ctx, came)
	return err
}

// holder is the device that an address is to go to; empty for nobody, and for a
// neighbour that has none.
func (t *tenant) holder(to holder, own metal.DeviceID) metal.DeviceID {
	switch to {
	case mine:
		return own
	case neighbours:
		beside := t.tenants[(t.number^1)%len(t.tenants)]
		device, _ := beside.device.Load().(metal.DeviceID)
		return device
	}
	return ""
}

// project is one's own, or a pair's: an address moves within a project.
func (t *tenant) project() metal.ProjectID {
	return metal.ProjectID(fmt.Sprintf("chaos-%d", t.number/2))
}

// id is the same for the same round of the same seed.
func (t *tenant) id(r round, n int, action metal.Action) metal.OrderID {
	return metal.OrderID(fmt.Sprintf("%s:t%d-r%d-%d", action, t.number, r.number, n))
}

// hear waits for an order's outcome.
func hear(ctx context.Context, came <-chan outcome) (outcome, error) {
	select {
	case o := <-came:
		return o, nil
	case <-ctx.Done():
		return outcome{}, ctx.Err()
	}
}

// again is the pause of whoever was not answered.
const again = 300 * time.Millisecond
