package workflows

import (
	"strings"

	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// maxMachines is how many machines a provision tries before it fails: more
// than three dead ones in a row say that something else is wrong.
const maxMachines = 3

// RunInput starts any run on a device. It is a list of names: what they stand
// for is in Postgres.
type RunInput struct {
	Device metal.DeviceID `json:"device"`
	Order  metal.OrderID  `json:"order,omitempty"`
	Site   metal.SiteID   `json:"site"`

	Action          metal.Action            `json:"action,omitempty"`           // of Power
	OperatingSystem metal.OperatingSystemID `json:"operating_system,omitempty"` // of Reinstall
	ScriptURL       string                  `json:"ipxe_script_url,omitempty"`  // of Reinstall, for a system that boots one
}

// RunResult says how the run left its device.
type RunResult struct {
	Device  metal.DeviceID    `json:"device"`
	State   metal.DeviceState `json:"state"`
	Machine metal.MachineID   `json:"machine,omitempty"`
}

// provision is one run of Provision.
type provision struct {
	*visit
	saga  saga
	in    RunInput
	cause error // why it unwinds
	kept  bool  // the system is on the disk: silence keeps the holdings
}

// Provision makes an idle machine the tenant's. It ends installed, or as it
// began; or, once the system is on the disk and stays silent, failed with its
// holdings kept.
func Provision(ctx workflow.Context, in RunInput) (result RunResult, err error) {
	v, err := newVisit(ctx, in)
	if err != nil {
		return RunResult{}, err
	}
	p := &provision{visit: v, in: in}
	defer func() { p.finish(ctx, err) }()
	if err := p.provision(ctx); err != nil {
		return RunResult{}, p.end(ctx, err)
	}
	return RunResult{Device: in.Device, State: metal.Active, Machine: p.claim().Machine}, nil
}

func (p *provision) provision(ctx workflow.Context) error {
	if err := p.install(ctx); err != nil {
		return err
	}
	if !p.holding.Script {
		p.saga.promise(undo{name: parkPort, run: p.parkAgain})
		if err := p.startSystem(ctx); err != nil {
			return err
		}
		p.kept = true
		if err := p.awaitSystem(ctx); err != nil {
			return err
		}
	}
	if err := p.activate(ctx, p.in.Order); err != nil {
		return err
	}
	p.name(ctx)
	return nil
}

// The undos of a provision, by name: one rests on another.
const (
	parkPort  = "park the port"
	switchOff = "switch the machine off"
	giveBack  = "give the machine and its addresses back"
)

// install finds a machine that comes up and takes the image. A dead one is
// given up and another claimed, so that the tenant never sees it.
func (p *provision) install(ctx workflow.Context) error {
	p.saga.promise(undo{name: giveBack, restsOn: []string{parkPort, switchOff}, run: p.giveBack})
	for tried := 1; ; tried++ {
		if err := p.claimMachine(ctx); err != nil {
			return err
		}
		if err := p.enter(ctx, StepPort, p.holding.Port.String(),
			MachineAttr.ValueSet(p.machine()), SwitchAttr.ValueSet(string(p.holding.Port.Switch))); err != nil {
			return err
		}
		if err := p.park(ctx, device); err != nil {
			return err // a switch that is away is not the machine's fault
		}
		p.saga.promise(undo{name: switchOff, run: p.switchOff})
		err := p.bring(ctx)
		if err == nil {
			if err = p.fits(ctx); err != nil && !isType(err, NotAsPlanned) {
				return err // nobody could tell: that is not the machine's fault
			}
		}
		if err == nil || ctx.Err() != nil || isType(err, activities.StaleClaim) {
			return err
		}
		if p.holding.Script { // the machine goes to quarantine: its addresses stay ours
			if err := p.park(ctx, device); err != nil {
				return err
			}
		}
		if stuck := p.discard(ctx, metal.Quarantine{Reason: "did not install: " + sentence(err)}); stuck != nil {
			return stuck
		}
		p.holding = metal.Holding{Claim: metal.Claim{Device: p.in.Device}}
		if tried == maxMachines {
			return err
		}
	}
}

// bring puts the image on the machine, or boots the tenant's script on it.
func (p *provision) bring(ctx workflow.Context) error {
	if !p.holding.Script {
		return p.work(ctx, device, metal.JobInstall, metal.Installed)
	}
	p.saga.promise(undo{name: parkPort, run: p.parkAgain})
	return p.runScript(ctx)
}

// fits holds what the agent found against the plan, while it waits. A machine
// that lost a DIMM since it was proven is nobody's.
func (p *provision) fits(ctx workflow.Context) error {
	if p.holding.Script {
		return nil // no agent of ours looked at it
	}
	if err := p.enter(ctx, StepCompare, p.machine()); err != nil {
		return err
	}
	issues, err := p.compare(ctx)
	if err == nil && len(issues) > 0 {
		err = failure(NotAsPlanned, "machine %s: %s", p.machine(), strings.Join(issues, "; "))
	}
	return err
}

// claimMachine takes an idle machine, or waits for one as long as its order
// allows.
func (p *provision) claimMachine(ctx workflow.Context) error {
	if err := p.enter(ctx, StepClaim, string(p.in.Device)); err != nil {
		return err
	}
	for last := false; ; {
		claimed, err := call(ctx, p.run, database, ControlQueue, "claim a machine for "+string(p.in.Device),
			machines.ClaimMachine, activities.ClaimMachineInput{Device: p.in.Device, Order: p.in.Order, Last: last})
		if err != nil {
			return err
		}
		if claimed.Holding.Turn == nil {
			p.take(claimed.Holding)
			return nil
		}
		if last, err = p.awaitTurn(ctx, *claimed.Holding.Turn); err != nil {
			return err
		}
	}
}

// end says how a provision that did not succeed leaves the world.
func (p *provision) end(ctx workflow.Context, cause error) error {
	p.cause = cause
	ending := metal.Ending{Order: p.in.Order, State: metal.Failed, Outcome: sentence(cause)}
	if p.kept && ctx.Err() == nil {
		if err := p.settle(ctx, ending); err != nil && !isType(err, activities.StaleClaim) {
			return failure(UndoFailed, "settle device %s: %s (after: %s)", p.in.Device, sentence(err), sentence(cause))
		}
		return cause
	}
	stuck := p.saga.unwind(ctx)
	if stuck == nil {
		return cause
	}
	return p.callOut(ctx, ending, stuck, cause)
}

// parkAgain is an undo: what the port routed, it routes no more.
func (p *provision) parkAgain(ctx workflow.Context) error {
	if !p.hasMachine() {
		return nil // given up to quarantine, its port parked before
	}
	return p.park(ctx, undoing)
}

// switchOff is an undo: a machine that idles is off.
func (p *provision) switchOff(ctx workflow.Context) error {
	if !p.hasMachine() {
		return nil // given up to quarantine
	}
	return p.off(ctx, undoing)
}

// giveBack is an undo: the machine to the pool, erased where it may hold data,
// and the addresses to quarantine.
func (p *provision) giveBack(ctx workflow.Context) error {
	ending := metal.Ending{Order: p.in.Order, State: metal.Failed, Outcome: sentence(p.cause)}
	if !p.hasMachine() {
		if err := p.retake(ctx, metal.ActionAbandon, ""); err != nil {
			return err
		}
		if p.hasMachine() { // its claim's answer was lost, and it may have waited in the agent
			if err := p.off(ctx, undoing); err != nil {
				return err
			}
		}
	}
	if err := p.enter(ctx, StepRelease, p.machine()); err != nil {
		return err
	}
	dirty, err := p.release(ctx, 0, ending)
	if err == nil && dirty {
		err = p.clear(ctx, ending)
	}
	return err
}
