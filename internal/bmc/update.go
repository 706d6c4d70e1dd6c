package bmc

import (
	"context"

	"millwright/internal/metal"
)

// updater is a session over which firmware can be updated.
type updater interface {
	beginUpdate(ctx context.Context, component string, image metal.FirmwareImage) (task string, err error)
	updateProgress(ctx context.Context, task string) (metal.UpdateProgress, error)
	rollback(ctx context.Context, component string) (task string, err error)
}

// BeginUpdate hands an image to the BMC for a component of its firmware list,
// and answers with the task that writes it, for UpdateStatus. A BMC that writes
// one already is not given another: its task is the answer, so that a repeat
// finds what the first attempt began.
//
// It speaks the standard's three ways (multipart, push, and an image that the
// BMC fetches). bmclib's installers are not used: they are made for three
// vendors, open sessions of their own, and cannot say where a task is.
func (d *Driver) BeginUpdate(ctx context.Context, b metal.BMC, component string, image metal.FirmwareImage) (task string, err error) {
	err = d.updating(ctx, b, "update "+component, func(ctx context.Context, u updater) (err error) {
		task, err = u.beginUpdate(ctx, component, image)
		return err
	})
	return task, err
}

// UpdateStatus says how far an update is. A task that is gone is over (BMCs
// forget theirs when they restart with new firmware, and iDRACs forget those
// that went well): the version tells how it ended.
func (d *Driver) UpdateStatus(ctx context.Context, b metal.BMC, task string) (progress metal.UpdateProgress, err error) {
	err = d.updating(ctx, b, "ask how far an update is", func(ctx context.Context, u updater) (err error) {
		progress, err = u.updateProgress(ctx, task)
		return err
	})
	return progress, err
}

// Rollback has the BMC go back to the image that it kept of a component.
// ErrUnsupported is that it kept none.
func (d *Driver) Rollback(ctx context.Context, b metal.BMC, component string) (task string, err error) {
	err = d.updating(ctx, b, "roll back "+component, func(ctx context.Context, u updater) (err error) {
		task, err = u.rollback(ctx, component)
		return err
	})
	return task, err
}

func (d *Driver) updating(ctx context.Context, b metal.BMC, doing string, do func(context.Context, updater) error) error {
	return d.during(sparing(ctx), b, doing, func(ctx context.Context, s session) error {
		u, ok := s.(updater)
		if !ok {
			return metal.ErrUnsupported
		}
		return do(ctx, u)
	})
}
