package dns

import (
	"context"
	"sync"
)

// atOnce is how many conversations a driver has at one time. BIND drops an
// update without a word where 100 wait already (update-quota), and takes 150
// connections (tcp-clients); several workers share a server.
const atOnce = 32

// slots lets so many in at a time. Its zero value is ready.
type slots struct {
	once  sync.Once
	taken chan struct{}
}

// take waits for a slot, and returns what gives it back.
func (s *slots) take(ctx context.Context) (func(), error) {
	s.once.Do(func() { s.taken = make(chan struct{}, atOnce) })
	select {
	case s.taken <- struct{}{}:
		return func() { <-s.taken }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
