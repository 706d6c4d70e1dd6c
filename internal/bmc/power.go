package bmc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"millwright/internal/metal"
)

// parsePower reads what BMCs and tools call a power state: Redfish's "On" and
// "PoweringOff", ipmitool's "Chassis Power is off\n". Not settled means that
// the state is about to be another one.
func parsePower(text string) (power metal.Power, settled bool, err error) {
	word := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "chassis power is ")
	switch word {
	case "on":
		return metal.On, true, nil
	case "off":
		return metal.Off, true, nil
	case "poweringon", "poweringoff":
		return "", false, nil
	}
	if len(word) > 40 {
		word = word[:40]
	}
	return "", false, fmt.Errorf("power state %q is neither on nor off", word)
}

// readPower reads until the state is settled.
func (d *Driver) readPower(ctx context.Context, s session) (power metal.Power, err error) {
	err = d.poll(ctx, "power is still changing", func() (bool, error) {
		text, err := s.power(ctx)
		if err != nil {
			return false, err
		}
		var settled bool
		power, settled, err = parsePower(text)
		return settled, err
	})
	return power, err
}

// switchTo commands and reads back. Only what is read counts: a BMC that was
// overtaken by somebody's button refuses a command that has become true.
func (d *Driver) switchTo(ctx context.Context, s session, want metal.Power) error {
	if err := s.setPower(ctx, string(want)); err != nil {
		if permanent(err) || ctx.Err() != nil {
			return err
		}
		if power, unread := d.readPower(ctx, s); unread != nil || power != want {
			return err
		}
		return nil
	}
	return d.poll(ctx, "command accepted, but power does not read back as "+string(want), func() (bool, error) {
		power, err := d.readPower(ctx, s)
		return power == want, err
	})
}

// permanent says whether a retry would be in vain.
func permanent(err error) bool {
	return errors.Is(err, metal.ErrBadCredentials) || errors.Is(err, metal.ErrFingerprint) ||
		errors.Is(err, metal.ErrUnsupported)
}

// poll asks again until the answer is yes, soon at first and then at the pace
// of a BMC. It ends with an error after the settle limit, which is weather.
func (d *Driver) poll(ctx context.Context, otherwise string, ask func() (bool, error)) error {
	deadline := time.Now().Add(d.settle())
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		if time.Now().Add(pause).After(deadline) {
			return fmt.Errorf("%s after %s", otherwise, d.settle())
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
