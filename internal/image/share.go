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
	rate  float64 // bytes per second
	grain int     // bytes that a client gets in one turn

	mu    sync.Mutex
	free  time.Time // when the line has sent what it was given
	floor int64     // what the client that was served last had got before
	lines map[string]*line
	alarm *time.Timer // rings when the line is free; nil when nobody waits for that
}

// line is one client's queue.
type line struct {
	got   int64 // bytes, counted from the floor of its first
	queue []*turn
}

type turn struct {
	gone  bool // who waited has left
	ready chan struct{}
}

const (
	// credit is how far a client that paused for a moment may be behind and
	// still catch up: between two blocks it unpacks and writes.
	credit = 4 << 20
	// slice is how long a turn takes. Timers come a millisecond late: were
	// turns shorter, several would be given at once, and a client of few
	// connections has not as many waiting.
	slice = 2 * time.Millisecond
	// ahead is how much of a line's time may be made up for after a pause.
	ahead = 2 * slice
)

// NewShare makes one of so many bytes per second.
func NewShare(bytesPerSecond int64) *Share {
	grain := int(float64(bytesPerSecond) * slice.Seconds())
	return &Share{rate: float64(bytesPerSecond), grain: max(16<<10, min(grain, 1<<20)), lines: map[string]*line{}}
}

// Wait returns when the client may send, and says how much. What of it is not
// sent is given back.
func (s *Share) Wait(ctx context.Context, client string) (bytes int, err error) {
	t := &turn{ready: make(chan struct{})}
	s.mu.Lock()
	s.enqueue(client, t)
	s.serve()
	s.mu.Unlock()
	select {
	case <-t.ready:
		return s.grain, nil
	case <-ctx.Done():
		s.mu.Lock()
		t.gone = true
		s.mu.Unlock()
		return 0, ctx.Err()
	}
}

// GiveBack takes what a client does not need after all.
func (s *Share) GiveBack(client string, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lines[client]; l != nil {
		l.got -= int64(bytes)
	}
	s.free = s.free.Add(-s.takes(bytes))
	if s.alarm != nil && s.alarm.Stop() {
		s.alarm = nil
		s.serve()
	}
}

// takes is how long the line sends so many bytes.
func (s *Share) takes(bytes int) time.Duration {
	return time.Duration(float64(bytes) / s.rate * float64(time.Second))
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
	for s.alarm == nil {
		now := time.Now()
		if wait := s.free.Sub(now); wait > 0 {
			s.alarm = time.AfterFunc(wait, s.ring)
			return
		}
		l, t := s.next()
		if t == nil {
			return
		}
		s.floor = l.got
		l.got += int64(s.grain)
		if idle := now.Add(-ahead); s.free.Before(idle) {
			s.free = idle
		}
		s.free = s.free.Add(s.takes(s.grain))
		close(t.ready)
	}
}

func (s *Share) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alarm = nil
	s.serve()
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
