package console

import (
	"context"
	"fmt"
	"sync"
	"time"

	"millwright/internal/metal"
)

const (
	// flushEvery makes a chunk of what comes together, and is soon enough for
	// somebody who follows.
	flushEvery = 300 * time.Millisecond
	// backlog is what is held while Postgres is away: at 115,200 baud more than
	// a minute of a machine that never stops printing.
	backlog = 1 << 20
)

// record writes what one machine prints to the store, under its boot of the
// moment.
type record struct {
	keeper *Keeper

	mu      sync.Mutex
	watch   metal.ConsoleWatch
	pending []piece
	held    int // bytes pending
	lost    int // bytes that found no room
	why     error
	secrets redactor

	id    int64 // where ours is written; 0 if nowhere yet
	of    metal.ConsoleWatch
	noted string
}

// piece is what was printed while a watch stood.
type piece struct {
	watch metal.ConsoleWatch
	body  []byte
}

func (r *record) follow(w metal.ConsoleWatch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watch = w
}

func (r *record) add(body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body = append([]byte(nil), body...) // others read it, too
	r.secrets.mask(body)
	if !r.watch.Recorded {
		return
	}
	if r.held+len(body) > backlog {
		r.lost += len(body)
		return
	}
	if r.lost > 0 {
		body = append(fmt.Appendf(nil, "\r\n[%d bytes were not recorded: the database was away]\r\n", r.lost), body...)
		r.lost = 0
	}
	last := len(r.pending) - 1
	if last >= 0 && same(r.pending[last].watch, r.watch) {
		r.pending[last].body = append(r.pending[last].body, body...)
	} else {
		r.pending = append(r.pending, piece{r.watch, body})
	}
	r.held += len(body)
	r.why = nil
}

// note keeps in mind why there is nothing to read.
func (r *record) note(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.why = why
}

// same says whether two watches are of one boot.
func same(a, b metal.ConsoleWatch) bool {
	return a.BMC.Machine == b.BMC.Machine && a.Epoch == b.Epoch && a.Boot == b.Boot
}

// run writes now and then, and once more when ctx ends.
func (r *record) run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		r.flush(ctx)
	}
}

// flush writes what is pending. What cannot be written stays.
func (r *record) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.keeper.lease())
	defer cancel()
	for {
		r.mu.Lock()
		if len(r.pending) == 0 {
			r.mu.Unlock()
			break
		}
		first := r.pending[0]
		r.mu.Unlock()
		if err := r.write(ctx, first); err != nil {
			r.keeper.Log.DebugContext(ctx, "console is not recorded yet", "machine", first.watch.BMC.Machine, "error", err)
			return
		}
		r.mu.Lock()
		// More may have come behind what was written.
		if r.pending[0].body = r.pending[0].body[len(first.body):]; len(r.pending[0].body) == 0 {
			r.pending = r.pending[1:]
		}
		r.held -= len(first.body)
		r.mu.Unlock()
	}
	r.explain(ctx)
}

func (r *record) write(ctx context.Context, p piece) error {
	if err := r.open(ctx, p.watch); err != nil {
		return err
	}
	// Not kept is another keeper's: what it reads it records.
	_, err := r.keeper.Records.WriteConsole(ctx, r.id, r.keeper.Name, p.body)
	return err
}

func (r *record) open(ctx context.Context, w metal.ConsoleWatch) error {
	if r.id != 0 && same(r.of, w) {
		return nil
	}
	id, err := r.keeper.Records.OpenConsole(ctx, w)
	if err == nil {
		r.id, r.of, r.noted = id, w, ""
	}
	return err
}

// explain writes why there is nothing to read, once.
func (r *record) explain(ctx context.Context) {
	r.mu.Lock()
	w, why := r.watch, r.why
	r.mu.Unlock()
	if !w.Recorded || why == nil || r.open(ctx, w) != nil || r.noted == why.Error() {
		return
	}
	if r.keeper.Records.NoteConsole(ctx, r.id, why.Error()) == nil {
		r.noted = why.Error()
	}
}
