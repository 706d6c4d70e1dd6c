package activities

import (
	"context"
	"errors"
	"fmt"

	"millwright/internal/metal"
)

// Firmware writes firmware to machines through their BMCs. How long that takes
// is the run's to wait.
type Firmware struct {
	Store  FirmwareStore
	BMC    Flasher
	Images FirmwareImages
}

// FirmwareStore knows machines, and who may touch them.
type FirmwareStore interface {
	HeldMachine(ctx context.Context, claim metal.Claim) (metal.Machine, error)
	Event(ctx context.Context, claim metal.Claim, kind, body string) error
}

// Flasher is a management controller that takes firmware.
type Flasher interface {
	Firmware(ctx context.Context, bmc metal.BMC) ([]metal.FirmwareVersion, error)
	// BeginUpdate hands over an image, and answers with the task that writes it.
	// A repeat finds the task.
	BeginUpdate(ctx context.Context, bmc metal.BMC, component string, image metal.FirmwareImage) (task string, err error)
	UpdateStatus(ctx context.Context, bmc metal.BMC, task string) (metal.UpdateProgress, error)
	// Rollback goes back to the image before; metal.ErrUnsupported where none was kept.
	Rollback(ctx context.Context, bmc metal.BMC, component string) (task string, err error)
}

// FirmwareImages fetches what is to be written.
type FirmwareImages interface {
	// Fetch gives the image whose SHA-256 is given, and lets go of it when it is
	// done with.
	Fetch(ctx context.Context, url, sha256 string) (image metal.FirmwareImage, done func(), err error)
}

// ReadFirmwareInput names the claim, and a component.
type ReadFirmwareInput struct {
	Claim     metal.Claim
	Component string
}

// ReadFirmwareResult is the component's version.
type ReadFirmwareResult struct {
	Version string
}

// ReadFirmware asks the BMC which version of a component it has.
func (f *Firmware) ReadFirmware(ctx context.Context, in ReadFirmwareInput) (ReadFirmwareResult, error) {
	defer beat(ctx)()
	machine, err := f.Store.HeldMachine(ctx, in.Claim)
	if err != nil {
		return ReadFirmwareResult{}, classify(err)
	}
	all, err := f.BMC.Firmware(ctx, machine.BMC)
	if err != nil {
		return ReadFirmwareResult{}, classify(err)
	}
	for _, v := range all {
		if v.Component == in.Component {
			return ReadFirmwareResult{Version: v.Version}, nil
		}
	}
	err = fmt.Errorf("machine %s: its BMC lists no firmware called %q; starter machine health shows what it lists: %w", machine.ID, in.Component, metal.ErrUnsupported)
	return ReadFirmwareResult{}, classify(err)
}

// BeginUpdateInput names the claim, and what is to be written where.
type BeginUpdateInput struct {
	Claim     metal.Claim
	Component string
	URL       string
	SHA256    string
}

// BeginUpdateResult is the task that writes it.
type BeginUpdateResult struct {
	Task string
}

// BeginUpdate hands the image to the BMC. A repeat finds the task.
func (f *Firmware) BeginUpdate(ctx context.Context, in BeginUpdateInput) (BeginUpdateResult, error) {
	defer beat(ctx)()
	machine, err := f.Store.HeldMachine(ctx, in.Claim)
	if err != nil {
		return BeginUpdateResult{}, classify(err)
	}
	image, done, err := f.Images.Fetch(ctx, in.URL, in.SHA256)
	if err != nil {
		return BeginUpdateResult{}, classify(err)
	}
	defer done()
	task, err := f.BMC.BeginUpdate(ctx, machine.BMC, in.Component, image)
	if err == nil {
		err = f.Store.Event(ctx, in.Claim, "firmware", "the BMC of machine "+string(machine.ID)+" writes "+in.Component+" from "+image.Name)
	}
	return BeginUpdateResult{Task: task}, classify(err)
}

// UpdateStatusInput names the claim, and a task.
type UpdateStatusInput struct {
	Claim metal.Claim
	Task  string
}

// UpdateStatusResult is how far it is.
type UpdateStatusResult struct {
	Progress metal.UpdateProgress
}

// UpdateStatus asks the BMC how far an update is.
func (f *Firmware) UpdateStatus(ctx context.Context, in UpdateStatusInput) (UpdateStatusResult, error) {
	defer beat(ctx)()
	machine, err := f.Store.HeldMachine(ctx, in.Claim)
	if err != nil {
		return UpdateStatusResult{}, classify(err)
	}
	progress, err := f.BMC.UpdateStatus(ctx, machine.BMC, in.Task)
	return UpdateStatusResult{Progress: progress}, classify(err)
}

// RollbackFirmwareInput names the claim, and a component.
type RollbackFirmwareInput struct {
	Claim     metal.Claim
	Component string
}

// RollbackFirmwareResult says whether there was something to go back to.
type RollbackFirmwareResult struct {
	Kept bool
	Task string `json:",omitempty"`
}

// RollbackFirmware has the BMC go back to the image before, where it kept one.
func (f *Firmware) RollbackFirmware(ctx context.Context, in RollbackFirmwareInput) (RollbackFirmwareResult, error) {
	defer beat(ctx)()
	machine, err := f.Store.HeldMachine(ctx, in.Claim)
	if err != nil {
		return RollbackFirmwareResult{}, classify(err)
	}
	task, err := f.BMC.Rollback(ctx, machine.BMC, in.Component)
	if errors.Is(err, metal.ErrUnsupported) {
		return RollbackFirmwareResult{}, nil
	}
	if err == nil {
		err = f.Store.Event(ctx, in.Claim, "firmware", "machine "+string(machine.ID)+" goes back to the "+in.Component+" before")
	}
	return RollbackFirmwareResult{Kept: err == nil, Task: task}, classify(err)
}
