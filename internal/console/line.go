package console

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"millwright/internal/metal"
)

// longestPause is how long a BMC is left alone that keeps refusing its console.
const longestPause = 30 * time.Second

// line is one machine's console as long as this keeper has it.
type line struct {
	keeper *Keeper
	record *record
	end    chan struct{}
	done   chan struct{} // closed when the console is closed
	ending sync.Once

	mu      sync.Mutex
	watch   metal.ConsoleWatch
	console io.Writer // while it is open
	readers map[*Seat]bool
}

func newLine(k *Keeper, w metal.ConsoleWatch) *line {
	l := &line{keeper: k, watch: w, end: make(chan struct{}), done: make(chan struct{}), readers: map[*Seat]bool{}}
	l.record = &record{keeper: k, watch: w}
	return l
}

// follow notes what the machine is doing now.
func (l *line) follow(w metal.ConsoleWatch) {
	l.mu.Lock()
	l.watch = w
	l.mu.Unlock()
	l.record.follow(w)
}

func (l *line) bmc() metal.BMC {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.watch.BMC
}

func (l *line) stop() { l.ending.Do(func() { close(l.end) }) }

// run reads the console until the line is stopped, whatever happens to BMCs
// and connections meanwhile.
func (l *line) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	go func() { <-l.end; cancel() }()
	recorded := make(chan struct{})
	go func() { l.record.run(ctx); close(recorded) }()
	pause := l.keeper.retry()
	for ctx.Err() == nil {
		began := time.Now()
		err := l.session(ctx)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, metal.ErrUnsupported):
			l.skip(ctx, err)
		default:
			l.keeper.Metrics.lost()
			l.keeper.Log.DebugContext(ctx, "console ended", "machine", l.bmc().Machine, "error", err)
			l.record.note(err)
		}
		if time.Since(began) > longestPause {
			pause = l.keeper.retry() // it was open for long: a new trouble
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
	<-recorded
	l.dismiss()
	close(l.done)
}

// session opens the console and reads it to its end.
func (l *line) session(ctx context.Context) error {
	if err := l.keeper.lacks(l.bmc()); err != nil {
		return err
	}
	console, err := l.keeper.Open(ctx, l.bmc())
	if err != nil {
		return err
	}
	l.set(console)
	defer console.Close()
	defer l.set(nil)
	stop := context.AfterFunc(ctx, func() { console.Close() })
	defer stop()
	buffer := make([]byte, 4096)
	for {
		n, err := console.Read(buffer)
		if n > 0 {
			l.record.add(buffer[:n])
			l.tell(buffer[:n])
			l.keeper.Metrics.read(n)
		}
		if err != nil {
			return err
		}
	}
}

// skip leaves a machine without a console alone until it is asked again.
func (l *line) skip(ctx context.Context, why error) {
	if l.keeper.lack(l.bmc(), why) {
		l.keeper.Log.InfoContext(ctx, "a machine has no serial console that can be read; write console: none to its BMC in the site file, or switch it on",
			"machine", l.bmc().Machine, "error", why)
	}
	l.record.note(why)
	l.dismiss()
	select {
	case <-ctx.Done():
	case <-time.After(noneFor):
		l.admit()
	}
}

// lacks answers why a BMC has no console, if that is known of it.
func (k *Keeper) lacks(b metal.BMC) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if n, known := k.none[b.Machine]; known && n.bmc == b && time.Now().Before(n.until) {
		return n.why
	}
	return nil
}

// lack remembers that a BMC has no console, and says whether that is news.
func (k *Keeper) lack(b metal.BMC, why error) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	was, known := k.none[b.Machine]
	if known && was.bmc == b && time.Now().Before(was.until) {
		return false
	}
	k.none[b.Machine] = none{bmc: b, until: time.Now().Add(noneFor), why: why}
	return !known || was.bmc != b
}
