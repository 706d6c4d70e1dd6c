package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millwright/internal/metal"
)

// Line tells runs that wait for a machine that their turn has come. It is no
// activity: Reconcile and the workers' ears call it.
type Line struct {
	Store LineStore
	Runs  TurnRuns
}

// LineStore keeps who waits for a machine.
type LineStore interface {
	// CallWaiting lists devices whose turn has come and that were not called of late.
	CallWaiting(ctx context.Context, again time.Duration, most int) ([]metal.DeviceID, error)
	// SeenWaiting notes that the run of a device that waits is open.
	SeenWaiting(ctx context.Context, device metal.DeviceID) error
	// LostWaiting notes that it is not.
	LostWaiting(ctx context.Context, device metal.DeviceID) error
}

// TurnRuns reaches the runs of devices that wait.
type TurnRuns interface {
	// Turn tells the device's run that a machine is there; metal.ErrRunOver where
	// none is open.
	Turn(ctx context.Context, device metal.DeviceID) error
}

const (
	// callAgain is how long a run has to take its machine before it is told again.
	callAgain = 15 * time.Second
	callMost  = 500
)

// Call tells everybody whose turn has come, and counts them. A run that is over
// is no error: reconcile finds its order at once.
func (l *Line) Call(ctx context.Context) (called int, err error) {
	devices, err := l.Store.CallWaiting(ctx, callAgain, callMost)
	if err != nil {
		return 0, err
	}
	for _, device := range devices {
		switch err := l.Runs.Turn(ctx, device); {
		case errors.Is(err, metal.ErrRunOver):
			if err := l.Store.LostWaiting(ctx, device); err != nil {
				return called, err
			}
		case err != nil:
			return called, fmt.Errorf("tell device %s that its turn has come: %w", device, err)
		default:
			called++
		}
	}
	return called, nil
}
