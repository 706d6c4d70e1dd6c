package activities

import (
	"context"

	"millwright/internal/metal"
)

// Devices says what became of a device. Everything here is one transaction on
// Postgres.
type Devices struct{ Store DeviceStore }

// DeviceStore keeps devices, their orders and their usage.
type DeviceStore interface {
	// ActivateDevice ends a run with the tenant's system up; usage starts.
	ActivateDevice(ctx context.Context, claim metal.Claim, end metal.Ending) error
	// SettleDevice ends a run that leaves machine and addresses with the device.
	SettleDevice(ctx context.Context, claim metal.Claim, end metal.Ending) error
}

// ActivateDeviceInput names the claim of a run that succeeded.
type ActivateDeviceInput struct {
	Claim  metal.Claim
	Ending metal.Ending
}

// ActivateDeviceResult is empty.
type ActivateDeviceResult struct{}

// ActivateDevice hands the device to its tenant and starts its usage. A repeat
// finds it done.
func (d *Devices) ActivateDevice(ctx context.Context, in ActivateDeviceInput) (ActivateDeviceResult, error) {
	return ActivateDeviceResult{}, classify(d.Store.ActivateDevice(ctx, in.Claim, in.Ending))
}

// SettleDeviceInput names a claim, and the state its device is left in.
type SettleDeviceInput struct {
	Claim  metal.Claim
	Ending metal.Ending
}

// SettleDeviceResult is empty.
type SettleDeviceResult struct{}

// SettleDevice ends a run without giving anything up: failed with its holdings
// kept, or switched on or off. A repeat finds it done.
func (d *Devices) SettleDevice(ctx context.Context, in SettleDeviceInput) (SettleDeviceResult, error) {
	return SettleDeviceResult{}, classify(d.Store.SettleDevice(ctx, in.Claim, in.Ending))
}
