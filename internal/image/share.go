package image

import (
	"context"
	"sync"
	"time"
)

// Share divides a line's bandwidth among clients: each that wants something
// gets as much as the others, however many connections it opened, and what one
// leaves the others take. It is start-time fair queueing (Goyal, Vin, Cheng,
// SIGCOMM 1996) with equal weights.
type Share struct {
	rate float64 // bytes per second

	mu    sync.Mutex
	free  time.Time // when the line has sent what it was given
	floor int64     // what the client that was served last had got before
	lines map[string]*line
	armed bool
}

// line is one client's queue.
type line struct {
	got   int64 // bytes, counted from the floor of its first
	queue []*turn
}

type turn struct {
	bytes int
	gone  bool // who waited has left
	ready chan struct{}
}

const (
	// credit is how far a client that paused for a moment may be behind and
	// still catch up: between two blocks it unpacks and writes.
	credit = DefaultBlock
	// ahead is how much the line may be given at once after a pause, in time.
	ahead = 5 * time.Millisecond
)

// NewShare makes one of so many bytes per second.
func NewShare(bytesPerSecond int64) *Share {
	return &Share{rate: float64(bytesPerSecond), lines: map[string]*line{}}
}

// Wait returns when the client may send so many bytes. Callers ask for at most
// some ten KiB at a time: that is the grain of the fairness.
func (s *Share) Wait(ctx context.Context, client string, bytes int) error {
	t := &turn{bytes: bytes, ready: make(chan struct{})}
	s.mu.Lock()
	s.enqueue(client, t)
	s.serve()
	s.mu.Unlock()
	select {
	case <-t.ready:
		return nil
	case <-ctx.Done():
		s.mu.Lock()
		t.gone = true
		s.mu.Unlock()
		return ctx.Err()
	}
}

func (s *Share) enqueue(client string, t *turn) {
	l := s.lines[client]
	if l == nil {
		l = &line{}
		s.lines[client] = l
	}
	if len(l.queue) == 0 {
		l.got = max(l.got, s.floor-credit)
	}
	l.queue = append(l.queue, t)
}

// serve gives turns for as long as the line is free, and comes back when it is
// free again.
func (s *Share) serve() {
	for !s.armed {
		now := time.Now()
		if wait := s.free.Sub(now); wait > 0 {
			s.armed = true
			time.AfterFunc(wait, func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.armed = false
				s.serve()
			})
			return
		}
		l, t := s.next()
		if t == nil {
			return
		}
		s.floor = l.got
		l.got += int64(t.bytes)
		if idle := now.Add(-ahead); s.free.Before(idle) {
			s.free = idle
		}
		s.free = s.free.Add(time.Duration(float64(t.bytes) / s.rate * float64(time.Second)))
		close(t.ready)
	}
}

// next takes the first turn of the client that got least. Clients that want
// nothing and have nothing to catch up are forgotten.
func (s *Share) next() (least *line, t *turn) {
	for client, l := range s.lines {
		for len(l.queue) > 0 && l.queue[0].gone {
			l.queue = l.queue[1:]
		}
		switch {
		case len(l.queue) == 0 && l.got <= s.floor-credit:
			delete(s.lines, client)
		case len(l.queue) > 0 && (least == nil || l.got < least.got):
			least = l
		}
	}
	if least == nil {
		return nil, nil
	}
	t, least.queue = least.queue[0], least.queue[1:]
	return least, t
}
