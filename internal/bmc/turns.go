package bmc

import (
	"context"
	"fmt"
	"sync"
)

// turns lets one caller at a time have a BMC: small BMCs freeze under a burst
// of commands, and hold few sessions. It is a mutex for each key that gives up
// when ctx ends. Keys are BMC addresses, of which a process sees thousands at
// most, so that none is ever removed.
type turns struct{ byKey sync.Map }

// take waits for the key and returns what gives it back.
func (t *turns) take(ctx context.Context, key string) (release func(), err error) {
	seat, _ := t.byKey.LoadOrStore(key, make(chan struct{}, 1))
	turn := seat.(chan struct{})
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for its other session to end: %w", context.Cause(ctx))
	}
}
