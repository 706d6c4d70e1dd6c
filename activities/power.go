package activities

import (
	"context"

	"millwright/internal/metal"
)

// Power switches machines through their BMCs.
type Power struct {
	Store PowerStore
	BMC   BMC
}

// PowerStore knows machines and who may touch them.
type PowerStore interface {
	// HeldMachine is the machine, if the claim still holds it.
	HeldMachine(ctx context.Context, claim metal.Claim) (metal.Machine, error)
	// Event records a sentence about a device and its machine.
	Event(ctx context.Context, claim metal.Claim, kind, body string) error
}

// BMC is a management controller. Verbs that switch return only once it reads
// back as told, and are no errors when it is so already.
type BMC interface {
	SetPower(ctx context.Context, bmc metal.BMC, power metal.Power) error
	// PowerOn sets the device of the next boot and switches on in one session:
	// many BMCs drop boot flags after 60 s.
	PowerOn(ctx context.Context, bmc metal.BMC, device metal.BootDevice, firmware metal.Firmware) error
	// Power reads whether the machine is on.
	Power(ctx context.Context, bmc metal.BMC) (metal.Power, error)
}

// PowerOffInput names the claim on the machine to switch off.
type PowerOffInput struct {
	Claim metal.Claim
}

// PowerOffResult is empty.
type PowerOffResult struct{}

// PowerOff switches the machine off, and returns once it is.
func (p *Power) PowerOff(ctx context.Context, in PowerOffInput) (PowerOffResult, error) {
	defer beat(ctx)()
	machine, err := p.Store.HeldMachine(ctx, in.Claim)
	if err == nil {
		err = p.BMC.SetPower(ctx, machine.BMC, metal.Off)
	}
	if err == nil {
		err = p.Store.Event(ctx, in.Claim, "power", "machine "+string(machine.ID)+" is off")
	}
	return PowerOffResult{}, classify(err)
}

// PowerOnInput names the claim, and what the machine is to boot this once.
type PowerOnInput struct {
	Claim  metal.Claim
	Device metal.BootDevice
}

// PowerOnResult is empty.
type PowerOnResult struct{}

// PowerOn sets what the machine boots this once, switches it on, and returns
// once it is.
func (p *Power) PowerOn(ctx context.Context, in PowerOnInput) (PowerOnResult, error) {
	defer beat(ctx)()
	machine, err := p.Store.HeldMachine(ctx, in.Claim)
	if err == nil {
		err = p.BMC.PowerOn(ctx, machine.BMC, in.Device, machine.Firmware)
	}
	if err == nil {
		err = p.Store.Event(ctx, in.Claim, "power", "machine "+string(machine.ID)+" is on, boots the "+string(in.Device))
	}
	return PowerOnResult{}, classify(err)
}

// ReadPowerInput names the claim on the machine to look at.
type ReadPowerInput struct {
	Claim metal.Claim
}

// ReadPowerResult says whether the machine is on.
type ReadPowerResult struct {
	Power metal.Power
}

// ReadPower asks the BMC whether the machine is on.
func (p *Power) ReadPower(ctx context.Context, in ReadPowerInput) (ReadPowerResult, error) {
	defer beat(ctx)()
	machine, err := p.Store.HeldMachine(ctx, in.Claim)
	if err != nil {
		return ReadPowerResult{}, classify(err)
	}
	power, err := p.BMC.Power(ctx, machine.BMC)
	return ReadPowerResult{Power: power}, classify(err)
}
