package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// ClaimMachine binds an idle machine of the device's plan to it and leases its
// addresses. A device that has a machine keeps it, under a new epoch: what is
// left of the earlier claim is stale from here. Where none is idle, or those are
// for others, it refuses.
func (s *Store) ClaimMachine(ctx context.Context, device metal.DeviceID, order metal.OrderID) (metal.Holding, error) {
	return s.claim(ctx, device, order, takeOrRefuse)
}

// ClaimInTurn is ClaimMachine for an order that may wait: where there is no
// machine for it yet, the answer is its turn, and nothing is held.
func (s *Store) ClaimInTurn(ctx context.Context, device metal.DeviceID, order metal.OrderID) (metal.Holding, error) {
	return s.claim(ctx, device, order, lineUp)
}

// turn decides about a device for which there was no machine at first: it may
// take one, has to wait, or is refused.
type turn func(ctx context.Context, q *query.Queries, d query.Device, order metal.OrderID) (*metal.Turn, error)

func (s *Store) claim(ctx context.Context, device metal.DeviceID, order metal.OrderID, decide turn) (holding metal.Holding, err error) {
	err = s.retried(ctx, func(q *query.Queries) error {
		d, err := lockDevice(ctx, q, device)
		if err != nil {
			return err
		}
		if _, err := begin(ctx, q, d, order, metal.ActionProvision); err != nil {
			return err
		}
		machine, turn, err := ownOrIdle(ctx, q, d, order, decide)
		if err != nil || turn != nil {
			holding = metal.Holding{Claim: metal.Claim{Device: device}, Turn: turn}
			return err
		}
		holding, err = claimed(ctx, q, d, machine)
		return err
	})
	return holding, err
}

// claimed leases the addresses of a device that has just been given a machine.
func claimed(ctx context.Context, q *query.Queries, d query.Device, machine string) (metal.Holding, error) {
	leases, err := lease(ctx, q, d, machine)
	if err != nil {
		return metal.Holding{}, err
	}
	holding, err := describe(ctx, q, d, machine)
	if err != nil {
		return holding, err
	}
	if err := event(ctx, q, holding.Claim, "claim", "machine %s claimed, on %s", machine, holding.Port); err != nil {
		return holding, err
	}
	if err := event(ctx, q, holding.Claim, "addresses", "addresses leased: %s", leases); err != nil {
		return holding, err
	}
	return holding, setState(ctx, q, holding.Claim.Device, metal.Provisioning, "")
}

// ownOrIdle takes the device's machine again; the one that is kept for it; or an
// idle one in the rack where its project has fewest, if it is the device's turn.
func ownOrIdle(ctx context.Context, q *query.Queries, d query.Device, order metal.OrderID, decide turn) (string, *metal.Turn, error) {
	machine, err := q.ReclaimMachine(ctx, d.ID)
	if !errors.Is(err, pgx.ErrNoRows) {
		return machine, nil, err
	}
	idle := query.ClaimIdleMachineParams{
		Device: d.ID, Site: d.Site, Plan: d.Plan, Project: d.Project, WaitingFor: waitingFor, Reservation: value(d.HardwareReservation),
	}
	machine, err = q.ClaimIdleMachine(ctx, idle)
	if !errors.Is(err, pgx.ErrNoRows) {
		return machine, nil, err
	}
	if d.HardwareReservation != nil {
		return "", nil, whyNotReserved(ctx, q, *d.HardwareReservation)
	}
	turn, err := decide(ctx, q, d, order)
	if err != nil || turn != nil {
		return "", turn, err
	}
	idle.MyTurn = true
	machine, err = q.ClaimIdleMachine(ctx, idle)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil, fmt.Errorf("claim a %s at %s: other runs hold those that are idle at this moment; the claim is tried again", d.Plan, d.Site)
	}
	if err == nil {
		err = leaveLine(ctx, q, d.ID)
	}
	return machine, nil, err
}

// whyNotReserved says why a reservation's machine cannot be had. No other one
// takes its place: the tenant asked for this one. One that a run of its own
// holds comes back by itself.
func whyNotReserved(ctx context.Context, q *query.Queries, id string) error {
	found, err := q.HardwareReservations(ctx, query.HardwareReservationsParams{ID: id})
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return fmt.Errorf("claim the machine of hardware reservation %s: the reservation was ended: %w", id, metal.ErrNoMachine)
	case found[0].State == string(metal.Claimed) || found[0].State == string(metal.Idle):
		return fmt.Errorf("claim the machine of hardware reservation %s: another run holds it; the claim is tried again", id)
	}
	return fmt.Errorf("claim the machine of hardware reservation %s: it is %s, and no other may take its place; deprovision the device, and order again without the reservation: %w",
		id, found[0].State, metal.ErrNoMachine)
}

// starts lists the states in which each action may take a device. The state of
// the action itself is one of them: a repeat whose first answer was lost. A
// deprovision may take it in any.
var starts = map[metal.Action][]metal.DeviceState{
	metal.ActionProvision: {metal.Queued, metal.Provisioning},
	metal.ActionReinstall: {metal.Active, metal.Inactive, metal.Failed, metal.Reinstalling},
	metal.ActionPowerOn:   {metal.Active, metal.Inactive, metal.PoweringOn},
	metal.ActionPowerOff:  {metal.Active, metal.Inactive, metal.PoweringOff},
	metal.ActionReboot:    {metal.Active, metal.Inactive, metal.PoweringOn},
	metal.ActionRescue:    {metal.Active, metal.Inactive, metal.Failed, metal.PoweringOn},
	metal.ActionAbandon:   {metal.Queued, metal.Provisioning},
	metal.ActionRecover: {metal.Provisioning, metal.Reinstalling, metal.PoweringOn,
		metal.PoweringOff, metal.Deprovisioning},
}

// begin refuses an action that the device's state does not allow, and one whose
// order has ended: a reset or repeated run must not do it twice. It returns the
// state that the device was in before it was ordered, if the order changed it
// and this is the first that anybody does about it.
func begin(ctx context.Context, q *query.Queries, d query.Device, order metal.OrderID, action metal.Action) (was metal.DeviceState, err error) {
	state := metal.DeviceState(d.State)
	if allowed, limited := starts[action]; limited && !slices.Contains(allowed, state) {
		return "", fmt.Errorf("%s device %s: it is %s: %w", action, d.ID, state, metal.ErrWrongState)
	}
	if order == "" {
		return "", nil
	}
	row, err := q.GetOrder(ctx, string(order))
	if err != nil {
		return "", fmt.Errorf("order %s: %w", order, err)
	}
	if row.EndedAt != nil {
		return "", fmt.Errorf("%s device %s: order %s ended before, %s: %w", action, d.ID, order, row.Outcome, metal.ErrWrongState)
	}
	if action == metal.ActionRecover { // of one order: what another one began is not its to end
		if !brought(row, state) {
			return "", fmt.Errorf("%s device %s: it is %s, and not by order %s: %w", action, d.ID, state, order, metal.ErrWrongState)
		}
		return "", nil
	}
	if row.State == "wanted" {
		was = metal.DeviceState(row.Was)
		// One run is open on a device at a time: whatever was started before, and has
		// no outcome, is of a run that was lost.
		if err := q.EndOrder(ctx, query.EndOrderParams{Device: d.ID, State: "failed", Outcome: lostToAnother}); err != nil {
			return "", err
		}
	}
	return was, q.MarkOrderStarted(ctx, string(order))
}

// lostToAnother is what an order is told whose run was lost, and found by the
// next run on its device.
const lostToAnother = "its run was terminated or lost; a later order has the device"

// brought tells whether a device is in the state that the order's action shows.
func brought(order query.Order, state metal.DeviceState) bool {
	action := metal.Action(order.Action)
	return during[action] == state || action == metal.ActionProvision && (state == metal.Queued || state == metal.Provisioning)
}

// during is the state that a device shows while the action is under way.
var during = map[metal.Action]metal.DeviceState{
	metal.ActionReinstall:   metal.Reinstalling,
	metal.ActionDeprovision: metal.Deprovisioning,
	metal.ActionPowerOn:     metal.PoweringOn,
	metal.ActionPowerOff:    metal.PoweringOff,
	metal.ActionReboot:      metal.PoweringOn,
	metal.ActionRescue:      metal.PoweringOn,
}

// ClaimDevice takes a device, with the machine it lives on, for another run;
// one that has no machine is held with nothing. A repeat raises the epoch and
// changes nothing else.
func (s *Store) ClaimDevice(ctx context.Context, want metal.ClaimWish) (metal.Holding, error) {
	var holding metal.Holding
	err := s.in(ctx, func(q *query.Queries) error {
		d, err := lockDevice(ctx, q, want.Device)
		if err != nil {
			return err
		}
		was, err := begin(ctx, q, d, want.Order, want.Action)
		if err != nil {
			return err
		}
		machine, err := q.ReclaimMachine(ctx, d.ID)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if holding, err = describe(ctx, q, d, machine); err != nil || holding.Was == metal.Deleted {
			return err
		}
		if was != "" && holding.Was == during[want.Action] {
			holding.Was = was
		}
		if want.Action == metal.ActionReinstall {
			first, err := q.FirstBootOfSystem(ctx, string(want.OperatingSystem))
			if err != nil {
				return err
			}
			holding.Script = first == string(metal.IPXE)
			holding.Always = holding.Script && d.AlwaysPxe
		}
		return take(ctx, q, holding, want)
	})
	return holding, err
}

// take writes what an action changes at once: the state customers see, which a
// device's usage follows, and the system to be installed.
func take(ctx context.Context, q *query.Queries, h metal.Holding, want metal.ClaimWish) error {
	action := want.Action
	next, known := during[action]
	if !known || h.Was == next {
		return nil
	}
	device := string(h.Claim.Device)
	if h.Claim.Machine != "" { // out of rescue, or of the tenant's script
		if err := q.LeaveRescue(ctx, string(h.Claim.Machine)); err != nil {
			return err
		}
	}
	if action == metal.ActionReinstall {
		if err := q.SetOperatingSystem(ctx, query.SetOperatingSystemParams{ID: device, OperatingSystem: string(want.OperatingSystem), IpxeUrl: want.ScriptURL}); err != nil {
			return err
		}
	}
	if err := event(ctx, q, h.Claim, "claim", "%s begins", action); err != nil {
		return err
	}
	return setState(ctx, q, h.Claim.Device, next, "")
}

func lockDevice(ctx context.Context, q *query.Queries, id metal.DeviceID) (query.Device, error) {
	d, err := q.LockDevice(ctx, string(id))
	if errors.Is(err, pgx.ErrNoRows) {
		return d, fmt.Errorf("device %s: %w", id, metal.ErrUnknownDevice)
	}
	return d, err
}

func setState(ctx context.Context, q *query.Queries, id metal.DeviceID, state metal.DeviceState, reason string) error {
	return q.SetDeviceState(ctx, query.SetDeviceStateParams{ID: string(id), State: string(state), Reason: reason})
}

// describe says what a run needs to know of what it holds.
func describe(ctx context.Context, q *query.Queries, d query.Device, machine string) (metal.Holding, error) {
	holding := metal.Holding{Claim: metal.Claim{Device: metal.DeviceID(d.ID)}, Plan: metal.PlanID(d.Plan), Was: metal.DeviceState(d.State)}
	plan, err := q.GetPlan(ctx, d.Plan)
	if err != nil {
		return holding, err
	}
	holding.Limits = metal.Limits{Boot: plan.BootLimit, Install: plan.InstallLimit, PhoneHome: plan.PhoneHomeLimit}
	zones, err := q.ZonesOf(ctx, d.Site)
	if err != nil {
		return holding, err
	}
	holding.Named = len(zones) > 0
	first, err := q.FirstBootOf(ctx, d.ID) // of a reinstall: the system before; see ClaimDevice
	if err != nil {
		return holding, err
	}
	holding.Script = first == string(metal.IPXE)
	holding.Always = holding.Script && d.AlwaysPxe
	if machine == "" {
		return holding, nil
	}
	m, err := q.GetMachine(ctx, machine)
	if err != nil {
		return holding, err
	}
	holding.Claim.Machine = metal.MachineID(m.ID)
	holding.Claim.Epoch = m.Epoch
	holding.Dirty = m.Dirty
	holding.Port = metal.Port{Switch: metal.SwitchID(m.Switch), Name: m.Port}
	holding.Kexec = m.Kexec && m.KexecFailed == ""
	holding.Erased, err = q.EverErased(ctx, machine)
	return holding, err
}

// HeldMachine is the machine, if the claim still holds it: what a device call
// asks before it touches anything.
func (s *Store) HeldMachine(ctx context.Context, claim metal.Claim) (metal.Machine, error) {
	q := s.Queries()
	if _, err := held(ctx, q, claim); err != nil {
		return metal.Machine{}, err
	}
	m, err := q.GetMachine(ctx, string(claim.Machine))
	if err != nil {
		return metal.Machine{}, err
	}
	return machineOf(m)
}

func machineOf(m query.GetMachineRow) (metal.Machine, error) {
	var bmc BMCRecord
	if err := json.Unmarshal(m.Bmc, &bmc); err != nil {
		return metal.Machine{}, fmt.Errorf("machine %s: its BMC record: %w", m.ID, err)
	}
	return metal.Machine{
		ID: metal.MachineID(m.ID), Site: metal.SiteID(m.Site), Rack: metal.RackID(m.Rack), Plan: metal.PlanID(m.Plan),
		Firmware: metal.Firmware(m.Firmware), Kexec: m.Kexec,
		BMC:  bmc.metal(m.ID),
		Port: metal.Port{Switch: metal.SwitchID(m.Switch), Name: m.Port}, Proven: m.ProvenAt != nil,
	}, nil
}
