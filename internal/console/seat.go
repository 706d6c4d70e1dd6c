package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"millwright/internal/metal"
)

const (
	// seatLimit is how long somebody waits for a console: another keeper has to
	// close it first.
	seatLimit = 20 * time.Second
	// behindLimit is how many reads a slow terminal may be behind before it is
	// sent away: one reader must not hold up the record.
	behindLimit = 256
)

// Why a console cannot be sat at, for whoever asked.
var (
	ErrTaken     = errors.New("somebody sits at this console elsewhere")
	ErrNoConsole = errors.New("this machine has no serial console")
)

// Seat is one person's place at a console.
type Seat struct {
	keeper  *Keeper
	machine metal.MachineID
	line    *line
	output  chan []byte // closed when the console is taken away
	left    sync.Once
}

// Attach gives a place at a machine's console, beside the record and beside
// others. It asks another keeper for it if need be. Leave must be called.
func (k *Keeper) Attach(ctx context.Context, machine metal.MachineID) (*Seat, error) {
	k.prepare()
	k.mu.Lock()
	k.seats[machine]++
	k.mu.Unlock()
	s := &Seat{keeper: k, machine: machine, output: make(chan []byte, behindLimit)}
	ctx, cancel := context.WithTimeoutCause(ctx, seatLimit, fmt.Errorf("machine %s: %w", machine, ErrTaken))
	defer cancel()
	for {
		k.wake()
		if seated, err := k.seat(s); seated || err != nil {
			return s, err
		}
		select {
		case <-ctx.Done():
			s.leave()
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// seat puts somebody at the line, if there is one.
func (k *Keeper) seat(s *Seat) (bool, error) {
	k.mu.Lock()
	l := k.lines[s.machine]
	k.mu.Unlock()
	if l == nil {
		return false, nil
	}
	if k.lacks(l.bmc()) != nil {
		s.leave()
		return false, fmt.Errorf("machine %s: %w", s.machine, ErrNoConsole)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readers == nil {
		return false, nil // it is being left
	}
	s.line, l.readers[s] = l, true
	return true, nil
}

// Output is what the machine prints from now on. It is closed when the console
// is taken away: the machine is another one's, or the terminal is too slow.
func (s *Seat) Output() <-chan []byte { return s.output }

// Write types at the console. While the BMC is away, what is typed is lost, as
// on a cable that is not plugged in.
func (s *Seat) Write(p []byte) (int, error) {
	s.line.mu.Lock()
	console, sits := s.line.console, s.line.readers[s]
	s.line.mu.Unlock()
	if !sits {
		return 0, io.ErrClosedPipe // whoever was sent away types nothing more
	}
	if console != nil {
		_, _ = console.Write(p)
	}
	return len(p), nil
}

// Leave gives the place up. It is safe to call twice.
func (s *Seat) Leave() {
	s.line.mu.Lock()
	if s.line.readers[s] {
		delete(s.line.readers, s)
		close(s.output)
	}
	s.line.mu.Unlock()
	s.leave()
}

func (s *Seat) leave() {
	s.left.Do(func() {
		s.keeper.mu.Lock()
		if s.keeper.seats[s.machine]--; s.keeper.seats[s.machine] == 0 {
			delete(s.keeper.seats, s.machine)
		}
		s.keeper.mu.Unlock()
		s.keeper.wake()
	})
}

func (l *line) set(console io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.console = console
}

// tell hands what was printed to all who sit here.
func (l *line) tell(body []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.readers {
		select {
		case s.output <- append([]byte(nil), body...):
		default:
			delete(l.readers, s)
			close(s.output)
		}
	}
}

// dismiss sends everybody away, and lets nobody in.
func (l *line) dismiss() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.readers {
		close(s.output)
	}
	l.readers = nil
}

// admit lets people in again.
func (l *line) admit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers = map[*Seat]bool{}
}

func (k *Keeper) sits(machine metal.MachineID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.seats[machine] > 0
}

func (k *Keeper) attached() (machines []metal.MachineID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for machine := range k.seats {
		machines = append(machines, machine)
	}
	return machines
}
