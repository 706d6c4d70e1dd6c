package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// beatEvery is well inside the 30 s heartbeat timeout of the device profile;
// the SDK sends at most one per 80% of that timeout.
const beatEvery = 5 * time.Second

// beat keeps a slow device call alive and cancellable until stop is called:
// cancellation reaches an activity only in the answer to a heartbeat.
func beat(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
			case <-done:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { close(done) }
}
