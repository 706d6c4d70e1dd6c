package drive

import (
	"context"
	"fmt"
	"time"
)

// pollEvery is short against the seconds of a crypto erase, and costs a disk
// that is busy for hours nothing.
const pollEvery = 2 * time.Second

// slowest is the rate at which a disk that gives no estimate is expected to
// erase itself: half of what the inner tracks of a spinning disk do.
const slowest = 50e6 // bytes a second

// deadline is twice the disk's own estimate, and never less than two minutes:
// estimates are of an idle disk, and rounded down. Without one the size decides.
func deadline(estimate time.Duration, size int64) time.Duration {
	if estimate == 0 {
		estimate = time.Duration(float64(size)/slowest*float64(time.Second)) + 10*time.Minute
	}
	return max(2*estimate, 2*time.Minute)
}

// poll asks until it is done, fails, or takes longer than limit.
func poll(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	end := time.Now().Add(limit)
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("still not done after %s, twice the disk's own estimate", limit)
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}
