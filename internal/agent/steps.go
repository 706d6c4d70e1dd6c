package agent

import "sync"

// steps is the newest step that was not told. Older ones are of no interest to
// anybody.
type steps struct {
	mu   sync.Mutex
	next *Step
	news chan struct{} // holds a word while next is set
}

func newSteps() *steps { return &steps{news: make(chan struct{}, 1)} }

func (s *steps) tell(step Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = &step
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// take gives the newest step, or nil where another one has it.
func (s *steps) take() *Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	step := s.next
	s.next = nil
	return step
}
