package activities

import (
	"context"

	"millwright/internal/metal"
)

// Machines binds machines to devices and sets them free again. Everything here
// is one transaction on Postgres.
type Machines struct{ Store MachineStore }

// MachineStore keeps who holds which machine.
type MachineStore interface {
	// ClaimMachine binds an idle machine of the device's plan, and leases its
	// addresses; the machine the device has already, where it has one.
	ClaimMachine(ctx context.Context, device metal.DeviceID, order metal.OrderID) (metal.Holding, error)
	// ClaimInTurn answers the device's turn, where none is idle and its order waits.
	ClaimInTurn(ctx context.Context, device metal.DeviceID, order metal.OrderID) (metal.Holding, error)
	// ClaimDevice takes a device, with the machine it lives on, for another run.
	ClaimDevice(ctx context.Context, want metal.ClaimWish) (metal.Holding, error)
	// ReleaseMachine gives back machine and addresses. It answers dirty, and
	// changes nothing, where the machine may hold data and boot brought no proof.
	ReleaseMachine(ctx context.Context, claim metal.Claim, boot metal.BootNumber, end metal.Ending) (dirty bool, err error)
	// QuarantineMachine takes the machine out of use.
	QuarantineMachine(ctx context.Context, q metal.Quarantine) error
}

// ClaimMachineInput names the device that needs a machine.
type ClaimMachineInput struct {
	Device metal.DeviceID
	Order  metal.OrderID
	Last   bool `json:",omitempty"` // its order's time is over: it waits no longer
}

// ClaimMachineResult is the machine, and the right to touch it; or the device's
// turn in the line for one.
type ClaimMachineResult struct {
	Holding metal.Holding
}

// ClaimMachine binds an idle machine of the device's plan and leases the
// device's addresses, both or neither. A repeat returns the same machine under
// a new epoch, or where the device stands in the line by now.
func (m *Machines) ClaimMachine(ctx context.Context, in ClaimMachineInput) (ClaimMachineResult, error) {
	claim := m.Store.ClaimInTurn
	if in.Last {
		claim = m.Store.ClaimMachine
	}
	holding, err := claim(ctx, in.Device, in.Order)
	return ClaimMachineResult{Holding: holding}, classify(err)
}

// ClaimDeviceInput names a device, and what a run is about to do with it.
type ClaimDeviceInput struct {
	Wish metal.ClaimWish
}

// ClaimDeviceResult is the device's machine, if it has one, and the right to
// touch it.
type ClaimDeviceResult struct {
	Holding metal.Holding
}

// ClaimDevice takes a device for another run. Earlier claims are stale from
// that moment.
func (m *Machines) ClaimDevice(ctx context.Context, in ClaimDeviceInput) (ClaimDeviceResult, error) {
	holding, err := m.Store.ClaimDevice(ctx, in.Wish)
	return ClaimDeviceResult{Holding: holding}, classify(err)
}

// ReleaseMachineInput names a claim, and how its run ends.
type ReleaseMachineInput struct {
	Claim  metal.Claim
	Boot   metal.BootNumber // the boot that erased the machine; 0 where none did
	Ending metal.Ending
}

// ReleaseMachineResult says whether the machine must be erased first.
type ReleaseMachineResult struct {
	Dirty bool // nothing was released: erase, then ask again with the boot's number
}

// ReleaseMachine gives the machine back to the pool and its addresses to
// quarantine. A machine that may hold a tenant's data stays, unless this boot
// reported its erasure. Something that is no longer held counts as released.
func (m *Machines) ReleaseMachine(ctx context.Context, in ReleaseMachineInput) (ReleaseMachineResult, error) {
	dirty, err := m.Store.ReleaseMachine(ctx, in.Claim, in.Boot, in.Ending)
	return ReleaseMachineResult{Dirty: dirty}, classify(err)
}

// QuarantineMachineInput says which machine, and why.
type QuarantineMachineInput struct {
	Quarantine metal.Quarantine
}

// QuarantineMachineResult is empty.
type QuarantineMachineResult struct{}

// QuarantineMachine takes a machine out of use until a person, or a proof,
// frees it.
func (m *Machines) QuarantineMachine(ctx context.Context, in QuarantineMachineInput) (QuarantineMachineResult, error) {
	return QuarantineMachineResult{}, classify(m.Store.QuarantineMachine(ctx, in.Quarantine))
}
