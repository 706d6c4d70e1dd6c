package console

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
)

// Yield takes a machine's console from whichever keeper has it, because its BMC
// holds one session and a command needs that. It returns once the other one has
// closed it, and keeps everybody else away until resume is called; then this
// keeper goes on with it. What this process itself has open is its BMC driver's
// to close.
func (k *Keeper) Yield(ctx context.Context, machine metal.MachineID) (resume func(), err error) {
	k.prepare()
	k.mu.Lock()
	k.seats[machine]++ // look renews the lease, and does not leave it
	k.mu.Unlock()
	s := &Seat{keeper: k, machine: machine}
	for {
		wish := metal.ConsoleWish{Machine: machine, Keeper: k.Name, Lease: k.lease(), Attached: true, Command: true}
		lease, err := k.Leases.TakeConsole(ctx, wish)
		if err == nil && lease.Free {
			return s.leave, nil
		}
		if err != nil {
			s.leave()
			return nil, err
		}
		select {
		case <-ctx.Done():
			s.leave()
			return nil, fmt.Errorf("machine %s: wait for another keeper to close its console: %w", machine, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}
