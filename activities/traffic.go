package activities

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
)

// Meter reads how much machines sent into the ports of switches. It reads with
// every check of a switch, and after every commit: so it knows what a port had
// counted when it began to carry a device, and when it ceased to.
type Meter struct {
	Store  TrafficStore
	Driver CounterReader
}

// TrafficStore says whose each octet is.
type TrafficStore interface {
	// Moment is a clock that all workers share.
	Moment(ctx context.Context) (time.Time, error)
	// Count takes a reading that began at a Moment. One that began before the
	// last one had ended adds nothing.
	Count(ctx context.Context, id metal.SwitchID, began time.Time, counters []metal.Counter) error
}

// CounterReader reads one vendor's counters, and changes nothing.
type CounterReader interface {
	Counters(ctx context.Context, sw metal.Switch) ([]metal.Counter, error)
}

// read takes one reading of a switch. Where there is no meter, nobody counts.
func (m *Meter) read(ctx context.Context, sw metal.Switch) error {
	if m == nil {
		return nil
	}
	began, err := m.Store.Moment(ctx)
	if err != nil {
		return err
	}
	counters, err := m.Driver.Counters(ctx, sw)
	if err != nil {
		return fmt.Errorf("read the counters of switch %s: %w", sw.ID, err)
	}
	return m.Store.Count(ctx, sw.ID, began, counters)
}

// glanceLimit bounds a reading that ports' commits wait for.
const glanceLimit = 15 * time.Second

// glance reads after a commit, if that can be. A reading that is lost makes
// what follows count for the device before, until the next one: that is what
// the machine's agent says, while nobody has the machine.
func (m *Meter) glance(ctx context.Context, sw metal.Switch) {
	if m == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, glanceLimit)
	defer cancel()
	_ = m.read(ctx, sw) // the next check of the switch says what is wrong
}
