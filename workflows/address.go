package workflows

import (
	"fmt"
	"net/netip"

	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// AddressInput moves a piece of a reservation.
type AddressInput struct {
	Reservation string         `json:"reservation"`
	Prefix      netip.Prefix   `json:"prefix"`           // the reservation's, or a part of it
	Device      metal.DeviceID `json:"device,omitempty"` // who gets it; empty: nobody
}

// AddressResult says who had the piece and who has it.
type AddressResult struct {
	From metal.DeviceID `json:"from,omitempty"`
	To   metal.DeviceID `json:"to,omitempty"`
}

// address is one run of Address.
type address struct {
	*run
	saga saga
	in   AddressInput
}

// Address assigns an elastic address or prefix to a device, moves it there from
// another one, or takes it away. It takes no device's lock: an address is moved
// when a device is being reinstalled, or has died. A port that is parked
// meanwhile gets the address when it opens. The run ends with the address where
// it was wanted, or where it was; or nobody has it, where that device has failed
// or gone meanwhile.
func Address(ctx workflow.Context, in AddressInput) (result AddressResult, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return AddressResult{}, err
	}
	a := &address{run: r, in: in}
	defer func() { a.finish(ctx, err) }()
	was, err := a.read(ctx)
	if err != nil {
		return AddressResult{}, err
	}
	a.saga.promise(undo{name: "give " + in.Prefix.String() + " back", run: func(ctx workflow.Context) error {
		return a.giveBack(ctx, was)
	}})
	if err := a.assign(ctx, was, in.Device, database, device); err != nil {
		if stuck := a.saga.unwind(ctx); stuck != nil {
			return AddressResult{}, failure(UndoFailed, "address %s: %s (after: %s)", in.Prefix, sentence(stuck), sentence(err))
		}
		return AddressResult{}, err
	}
	return AddressResult{From: was, To: in.Device}, nil
}

func (a *address) read(ctx workflow.Context) (metal.DeviceID, error) {
	if err := a.enter(ctx, StepAssign, a.in.Prefix.String(), DeviceAttr.ValueSet(string(a.in.Device))); err != nil {
		return "", err
	}
	read, err := call(ctx, a.run, database, ControlQueue, "read who has "+a.in.Prefix.String(),
		addresses.ReadAddress, activities.ReadAddressInput{Reservation: a.in.Reservation, Prefix: a.in.Prefix})
	return read.Device, err
}

// assign writes who has the piece, and brings the ports that this concerns: the
// one that gets it, and the one that may no longer send from it.
func (a *address) assign(ctx workflow.Context, from, to metal.DeviceID, write, commit profile) error {
	if err := a.enter(ctx, StepAssign, a.in.Prefix.String()); err != nil {
		return err
	}
	assigned, err := call(ctx, a.run, write, ControlQueue, "assign "+a.in.Prefix.String()+" to "+whom(to),
		addresses.AssignAddress, activities.AssignAddressInput{Reservation: a.in.Reservation, Prefix: a.in.Prefix, From: from, Device: to})
	if err != nil {
		return err
	}
	return bring(ctx, a.run, commit, assigned.Sites)
}

// giveBack is the undo. A device that is going cannot have it again, and it
// must not stay where it was not wanted.
func (a *address) giveBack(ctx workflow.Context, was metal.DeviceID) error {
	err := a.assign(ctx, a.in.Device, was, settling, undoing)
	if was != "" && isType(err, activities.WrongState) {
		err = a.assign(ctx, a.in.Device, "", settling, undoing)
	}
	return err
}

func whom(d metal.DeviceID) string {
	if d == "" {
		return "nobody"
	}
	return string(d)
}

// bring has each site's workers bring ports to what they should be.
func bring(ctx workflow.Context, r *run, p profile, sites []activities.SitePorts) error {
	for _, s := range sites {
		on := s.Ports[0].Port.String()
		if more := len(s.Ports) - 1; more > 0 {
			on += fmt.Sprintf(" and %d more", more)
		}
		if err := r.enter(ctx, StepOpen, on, SiteAttr.ValueSet(string(s.Site)), SwitchAttr.ValueSet(string(s.Ports[0].Port.Switch))); err != nil {
			return err
		}
		if _, err := call(ctx, r, p, SiteQueue(s.Site), "bring port "+on,
			network.BringPorts, activities.BringPortsInput{Ports: s.Ports}); err != nil {
			return err
		}
	}
	return nil
}

// SessionInput turns a device's BGP session of one family on or off.
type SessionInput struct {
	Device metal.DeviceID `json:"device"`
	Family int            `json:"family"` // 4 or 6
	On     bool           `json:"on"`
}

// Session turns a BGP session on or off. It ends when the device's ports are so,
// or as they were.
func Session(ctx workflow.Context, in SessionInput) (err error) {
	r, err := newRun(ctx)
	if err != nil {
		return err
	}
	defer func() { r.finish(ctx, err) }()
	was, err := readSession(ctx, r, in)
	if err != nil {
		return err
	}
	var s saga
	s.promise(undo{name: "turn the session back", run: func(ctx workflow.Context) error {
		err := setSession(ctx, r, in, was, settling, undoing)
		if isType(err, activities.WrongState) {
			return nil // the device is going, and its sessions go with it
		}
		return err
	}})
	if err = setSession(ctx, r, in, in.On, database, device); err == nil {
		return nil
	}
	if stuck := s.unwind(ctx); stuck != nil {
		return failure(UndoFailed, "BGP of device %s: %s (after: %s)", in.Device, sentence(stuck), sentence(err))
	}
	return err
}

func readSession(ctx workflow.Context, r *run, in SessionInput) (bool, error) {
	if err := r.enter(ctx, StepAssign, string(in.Device), DeviceAttr.ValueSet(string(in.Device))); err != nil {
		return false, err
	}
	was, err := call(ctx, r, database, ControlQueue, fmt.Sprintf("read the IPv%d session of %s", in.Family, in.Device),
		addresses.ReadSession, activities.ReadSessionInput{Device: in.Device, Family: in.Family})
	return was.On, err
}

func setSession(ctx workflow.Context, r *run, in SessionInput, on bool, write, commit profile) error {
	if err := r.enter(ctx, StepAssign, string(in.Device)); err != nil {
		return err
	}
	set, err := call(ctx, r, write, ControlQueue, fmt.Sprintf("IPv%d session of %s: on is %t", in.Family, in.Device, on),
		addresses.SetSession, activities.SetSessionInput{Device: in.Device, Family: in.Family, On: on})
	if err != nil {
		return err
	}
	return bring(ctx, r, commit, set.Sites)
}
