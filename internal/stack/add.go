package stack

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// politeLimit is how long a program of ours may take to end by itself.
const politeLimit = 5 * time.Second

// Add starts one more program beside the stack: it logs into the stack's
// folder, can be killed and started again like the other parts, and ends
// before them. command makes a fresh process for each start; ready is asked
// until it has no objection.
func (s *Stack) Add(ctx context.Context, name string, command func() *exec.Cmd, ready func(context.Context) error) (*Part, error) {
	p := s.part(name, command, ready, syscall.SIGTERM)
	if err := s.launch(ctx, p); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.added = append(s.added, p)
	return p, nil
}

// stopAdded asks the added programs to end, the newest first, and kills those
// that do not.
func (s *Stack) stopAdded(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, p := range slices.Backward(s.added) {
		polite, cancel := context.WithTimeout(ctx, politeLimit)
		errs = append(errs, p.end(polite, syscall.SIGTERM))
		cancel()
	}
	return errors.Join(errs...)
}
