package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// These are never dereferenced: they name the activities.
var (
	orders   *activities.Orders
	machines *activities.Machines
	network  *activities.Network
	boot     *activities.Boot
	power    *activities.Power
	devices  *activities.Devices
	lost     *activities.Lost

	addresses *activities.Addresses
	switches  *activities.Switches
	names     *activities.Names
	spares    *activities.Spares
	webhooks  *activities.Webhooks

	aside   *activities.Aside
	guard   *activities.Guard
	fitness *activities.Fitness
	patrol  *activities.Patrol
	survey  *activities.Survey
	doubts  *activities.Doubts
	enrol   *activities.Enrol

	firmware *activities.Firmware
	fleets   *activities.Fleets
)

// visit is a run's work on the machine that it claimed: the steps that several
// runs share.
type visit struct {
	*run
	site     metal.SiteID
	holding  metal.Holding
	attempts int  // boot intents written under this claim
	brief    bool // a proof without a burn-in
	boot     metal.BootNumber
}

// newVisit begins a run on a device, before it has claimed anything.
func newVisit(ctx workflow.Context, in RunInput) (*visit, error) {
	r, err := newRun(ctx)
	return &visit{run: r, site: in.Site, holding: metal.Holding{Claim: metal.Claim{Device: in.Device}}}, err
}

func (v *visit) claim() metal.Claim { return v.holding.Claim }
func (v *visit) machine() string    { return string(v.holding.Claim.Machine) }
func (v *visit) thisBoot() bootOf   { return bootOf{v.claim().Machine, v.boot} }
func (v *visit) siteQueue() string  { return SiteQueue(v.site) }
func (v *visit) hasMachine() bool   { return v.holding.Claim.Machine != "" }
func (v *visit) take(h metal.Holding) {
	v.holding, v.attempts, v.boot = h, 0, 0
	v.status.Machine = h.Claim.Machine
	v.plan = h.Plan
	v.status.Attempt++
}

// park isolates the machine's port.
func (v *visit) park(ctx workflow.Context, p profile) error {
	_, err := call(ctx, v.run, p, v.siteQueue(), "park "+v.holding.Port.String(),
		network.ParkPort, activities.ParkPortInput{Claim: v.claim()})
	return err
}

// open routes the tenant's addresses to the machine's port.
func (v *visit) open(ctx workflow.Context) error {
	_, err := call(ctx, v.run, device, v.siteQueue(), "open "+v.holding.Port.String(),
		network.OpenPort, activities.OpenPortInput{Claim: v.claim()})
	return err
}

// intend makes the machine's next boot the agent, with a job, or the tenant's
// script. True says that an agent was waiting on the machine and has the job.
func (v *visit) intend(ctx workflow.Context, p profile, job metal.Job) (bool, error) {
	v.attempts++
	what := fmt.Sprintf("boot %s into the agent, to %s", v.machine(), job)
	if job == metal.JobScript {
		what = fmt.Sprintf("boot %s into the tenant's script", v.machine())
	}
	numbered, err := call(ctx, v.run, p, ControlQueue, what,
		boot.BootAgent, activities.BootAgentInput{Claim: v.claim(), Attempt: v.attempts, Job: job, Brief: v.brief})
	v.boot = numbered.Boot
	return numbered.Warm, err
}

func (v *visit) off(ctx workflow.Context, p profile) error {
	_, err := call(ctx, v.run, p, v.siteQueue(), "switch off "+v.machine(),
		power.PowerOff, activities.PowerOffInput{Claim: v.claim()})
	return err
}

func (v *visit) on(ctx workflow.Context, p profile, next metal.BootDevice) error {
	_, err := call(ctx, v.run, p, v.siteQueue(), fmt.Sprintf("switch on %s, boot the %s", v.machine(), next),
		power.PowerOn, activities.PowerOnInput{Claim: v.claim(), Device: next})
	return err
}

// startSystem opens the port while the agent waits, lets the agent leave for
// the disk.
func (v *visit) startSystem(ctx workflow.Context) error {
	if err := v.enter(ctx, StepOpen, v.holding.Port.String()); err != nil {
		return err
	}
	if err := v.open(ctx); err != nil {
		return err
	}
	if err := v.enter(ctx, StepDisk, v.machine()); err != nil {
		return err
	}
	_, err := call(ctx, v.run, database, ControlQueue, "boot the disk of "+v.machine(),
		boot.BootDisk, activities.BootDiskInput{Claim: v.claim(), Boot: v.boot})
	return err
}

// awaitSystem waits for phone-home. Silence may be the user data's fault, so
// no second machine is tried: one power cycle, then SystemSilent.
func (v *visit) awaitSystem(ctx workflow.Context) error {
	if err := v.enter(ctx, StepPhone, v.machine()); err != nil {
		return err
	}
	_, ok, err := v.await(ctx, v.thisBoot(), v.holding.Limits.PhoneHome, "one power cycle", metal.PhoneHome)
	if err != nil || ok {
		return err
	}
	if err := v.off(ctx, device); err != nil {
		return err
	}
	if err := v.on(ctx, device, metal.BootDisk); err != nil {
		return err
	}
	_, ok, err = v.await(ctx, v.thisBoot(), v.holding.Limits.PhoneHome, "the device is failed, with its holdings kept", metal.PhoneHome)
	if err != nil {
		return err
	}
	if ok {
		return v.giveUpKexec(ctx)
	}
	return failure(SystemSilent, "machine %s, boot %d: the installed system did not phone home within %s, one power cycle included; the device keeps what it holds: look at its console, reinstall or deprovision it",
		v.machine(), v.boot, 2*v.holding.Limits.PhoneHome)
}

// giveUpKexec remembers a machine whose system came up through the firmware
// alone: kexec into it hung.
func (v *visit) giveUpKexec(ctx workflow.Context) error {
	if !v.holding.Kexec {
		return nil
	}
	_, err := call(ctx, v.run, settling, ControlQueue, "no kexec on "+v.machine()+" from now on",
		spares.GiveUpKexec, activities.GiveUpKexecInput{Claim: v.claim(),
			Why: fmt.Sprintf("boot %d: the installed system was silent after kexec, and came up after a power cycle", v.boot)})
	return err
}

// activate hands the device to its tenant. The system is up: a cancellation
// comes too late, and nothing but the database can be in the way.
func (v *visit) activate(ctx workflow.Context, order metal.OrderID) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := v.enter(ctx, StepActivate, string(v.claim().Device)); err != nil {
		return err
	}
	_, err := call(ctx, v.run, settling, ControlQueue, "device "+string(v.claim().Device)+" is active",
		devices.ActivateDevice, activities.ActivateDeviceInput{Claim: v.claim(), Ending: metal.Ending{Order: order, State: metal.Active, Keep: v.holding.Always}})
	return err
}

// name brings the device's names to what it holds now: made once it is active,
// taken away once it holds nothing. The run has done its work by then; what a
// name server keeps it from, reconcile does later.
func (v *visit) name(ctx workflow.Context) {
	if !v.holding.Named {
		return
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	device := string(v.claim().Device)
	if err := v.enter(ctx, StepNames, device); err != nil {
		return
	}
	_, err := call(ctx, v.run, naming, ControlQueue, "names of "+device,
		names.BringNames, activities.BringNamesInput{Owner: metal.Holder(metal.DeviceHolder + device)})
	if err != nil {
		workflow.GetLogger(ctx).Warn("names not brought; reconcile tries again", "device", device, "error", err)
	}
}

// settle ends the run with machine and addresses kept. It outlives the run's
// cancellation.
func (v *visit) settle(ctx workflow.Context, end metal.Ending) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := v.enter(ctx, StepSettle, string(v.claim().Device)); err != nil {
		return err
	}
	_, err := call(ctx, v.run, settling, ControlQueue, fmt.Sprintf("device %s is %s", v.claim().Device, end.State),
		devices.SettleDevice, activities.SettleDeviceInput{Claim: v.claim(), Ending: end})
	return err
}

// release gives machine and addresses back. True says that the machine must be
// erased first, and that nothing was released.
func (v *visit) release(ctx workflow.Context, boot metal.BootNumber, end metal.Ending) (bool, error) {
	released, err := call(ctx, v.run, settling, ControlQueue, fmt.Sprintf("release %s and the addresses of %s", v.machine(), v.claim().Device),
		machines.ReleaseMachine, activities.ReleaseMachineInput{Claim: v.claim(), Boot: boot, Ending: end})
	return released.Dirty, err
}

// discard switches a machine off that did not do its work, as far as its BMC
// lets it, and takes it out of use: nobody will look at it for a while.
func (v *visit) discard(ctx workflow.Context, q metal.Quarantine) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := v.off(ctx, parting); err != nil {
		q.Reason += "; not switched off: " + sentence(err)
	}
	return v.quarantine(ctx, q)
}

// quarantine takes the machine out of use. It outlives the run's cancellation.
func (v *visit) quarantine(ctx workflow.Context, q metal.Quarantine) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	q.Claim = v.claim()
	_, err := call(ctx, v.run, settling, ControlQueue, "quarantine "+v.machine(),
		machines.QuarantineMachine, activities.QuarantineMachineInput{Quarantine: q})
	return err
}

// retake takes what an activity whose answer was lost may have claimed. A
// device in another state is not this run's, nor is one that another order
// brought into its state: nothing is taken.
func (v *visit) retake(ctx workflow.Context, action metal.Action, order metal.OrderID) error {
	claimed, err := call(ctx, v.run, settling, ControlQueue, "take what was claimed for "+string(v.claim().Device),
		machines.ClaimDevice, activities.ClaimDeviceInput{Wish: metal.ClaimWish{Device: v.claim().Device, Action: action, Order: order}})
	if isType(err, activities.WrongState) {
		return nil
	}
	if err == nil {
		v.take(claimed.Holding)
	}
	return err
}
