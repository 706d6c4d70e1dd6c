package bmc

import (
	"context"
	"errors"

	"millwright/internal/metal"
)

// read goes round the BMC once. One part that cannot be read is missing; a BMC
// that answers no more is an error, or each other part would wait for it too.
func (s *redfishSession) read(ctx context.Context, mark string) (metal.Reading, error) {
	v, err := s.look(ctx)
	if err != nil {
		return metal.Reading{}, err
	}
	r := metal.Reading{LogMark: mark}
	// A state that is about to change is left empty: the next reading has it.
	if power, settled, err := parsePower(string(v.system.PowerState)); err == nil && settled {
		r.Power = power
	} else if err != nil {
		r.Missing = append(r.Missing, "power: "+err.Error())
	}
	for _, part := range []struct {
		name string
		read func(context.Context, *metal.Reading) error
	}{
		{"sensors", v.readChassis},
		{"memory", v.readMemory},
		{"processors", v.readProcessors},
		{"disks", v.readDisks},
		{"firmware", v.readFirmware},
		{"event log", v.readLog},
	} {
		if err := part.read(ctx, &r); err != nil {
			if ctx.Err() != nil || !s.answered() || errors.Is(err, metal.ErrFingerprint) {
				return metal.Reading{}, err
			}
			r.Missing = append(r.Missing, part.name+": "+err.Error())
		}
	}
	return r, nil
}
