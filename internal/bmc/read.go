package bmc

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
)

// reader is a session that can tell how its machine is.
type reader interface {
	read(ctx context.Context, mark string) (metal.Reading, error)
	firmware(ctx context.Context) ([]metal.FirmwareVersion, error)
	clearLog(ctx context.Context) error
}

// Read visits a BMC once and brings what it knows of its machine's health:
// power, consumption, sensors, parts, firmware, and what its event log says
// since the mark, which is the LogMark of the reading before, or empty. What
// could not be read stands in Missing; an error is that there is no reading.
//
// A Redfish BMC that expands collections is asked some 15 times. Of others the
// parts of a kind are asked for one by one only where their summary is not OK,
// and of firmware the two that a system resource names: Firmware has the rest.
func (d *Driver) Read(ctx context.Context, b metal.BMC, mark string) (metal.Reading, error) {
	var reading metal.Reading
	err := d.during(ctx, b, "read its health", func(ctx context.Context, s session) (err error) {
		r, ok := s.(reader)
		if !ok {
			return fmt.Errorf("read health over %s: %w", b.Protocol, metal.ErrUnsupported)
		}
		reading, err = r.read(ctx, mark)
		return err
	})
	if err != nil {
		return metal.Reading{}, err
	}
	reading.Machine, reading.At = b.Machine, time.Now().UTC()
	return reading, nil
}

// Firmware lists every firmware that a BMC knows the version of.
func (d *Driver) Firmware(ctx context.Context, b metal.BMC) (list []metal.FirmwareVersion, err error) {
	err = d.during(ctx, b, "list firmware", func(ctx context.Context, s session) (err error) {
		r, ok := s.(reader)
		if !ok {
			return fmt.Errorf("list firmware over %s: %w", b.Protocol, metal.ErrUnsupported)
		}
		list, err = r.firmware(ctx)
		return err
	})
	return list, err
}

// ClearLog empties the event log. Whoever calls it has kept its entries.
func (d *Driver) ClearLog(ctx context.Context, b metal.BMC) error {
	return d.during(ctx, b, "clear its event log", func(ctx context.Context, s session) error {
		r, ok := s.(reader)
		if !ok {
			return fmt.Errorf("clear the log over %s: %w", b.Protocol, metal.ErrUnsupported)
		}
		return r.clearLog(ctx)
	})
}
