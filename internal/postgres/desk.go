package postgres

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Desk gives out single prefixes. Asks that arrive while a transaction is under
// way wait together and share the next one: a transaction costs ten times what
// one more ask in it does. An ask that comes alone goes at once.
type Desk struct {
	pool   *pgxpool.Pool
	mu     sync.Mutex
	queues map[wish]*queue // only where somebody waits or is served
}

const (
	// lanes is how many transactions serve one wish at a time: while one is
	// being written to the disk, the other one works. With 8 callers two serve a
	// tenth more than one, with 32 a fifth.
	lanes = 2
	// batchMost bounds a transaction to some milliseconds, 40 µs an ask.
	batchMost = 128
	// batchLimit is when a batch is given up: nobody waits for it any more.
	batchLimit = 15 * time.Second
	// lingerMost is a tenth of a batch of eight.
	lingerMost = 100 * time.Microsecond
)

// LeaseAsk asks for a prefix of some length for a holder, out of the first of
// some blocks that has room.
type LeaseAsk struct {
	Blocks []netip.Prefix
	Bits   int
	Holder metal.Holder
	Ask    string // which of its holder's
}

// wish is what asks must have in common to share a statement.
type wish struct {
	block netip.Prefix
	bits  int
}

// queue is who waits for the same wish.
type queue struct {
	waiting []*ticket
	lanes   int // at work
}

// ticket is one ask at one block. Only its lane writes it, before done closes.
type ticket struct {
	ctx    context.Context // the asker's: who has left is not served
	holder string
	ask    string
	got    netip.Prefix // invalid: the block has no room
	err    error
	done   chan struct{}
}

func newDesk(pool *pgxpool.Pool) *Desk { return &Desk{pool: pool, queues: map[wish]*queue{}} }

// Lease leases a prefix, or finds the one that the same ask of the same holder
// got before. Safe to repeat: an answer that was lost is found again. Who gives
// up while the lease is being written may hold it nevertheless.
func (s *Store) Lease(ctx context.Context, ask LeaseAsk) (netip.Prefix, error) {
	got, err := s.desk.lease(ctx, ask)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("lease a /%d for %s, ask %q: %w", ask.Bits, ask.Holder, ask.Ask, err)
	}
	return got, nil
}

func (d *Desk) lease(ctx context.Context, ask LeaseAsk) (netip.Prefix, error) {
	for _, block := range ask.Blocks {
		if ask.Bits < block.Bits() || ask.Bits > block.Addr().BitLen() {
			return netip.Prefix{}, fmt.Errorf("block %s cannot hold a /%d; ask for /%d to /%d: %w",
				block, ask.Bits, block.Bits(), block.Addr().BitLen(), metal.ErrInvalidPrefix)
		}
		t := &ticket{ctx: ctx, holder: string(ask.Holder), ask: ask.Ask, done: make(chan struct{})}
		d.enqueue(wish{block, ask.Bits}, t)
		select {
		case <-t.done:
		case <-ctx.Done():
			return netip.Prefix{}, fmt.Errorf("block %s: %w; ask again to learn whether it was leased", block, ctx.Err())
		}
		if t.err != nil || t.got.IsValid() {
			return t.got, t.err
		}
	}
	return netip.Prefix{}, noRoom(ctx, query.New(d.pool), ask.Blocks, int32(ask.Bits))
}

// enqueue lets the ticket wait for its turn, and opens a lane where one is to
// spare.
func (d *Desk) enqueue(w wish, t *ticket) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queues[w]
	if q == nil {
		q = &queue{}
		d.queues[w] = q
	}
	q.waiting = append(q.waiting, t)
	if q.lanes < lanes {
		q.lanes++
		go d.serve(w)
	}
}

// serve is a lane: it serves batches until nobody waits.
func (d *Desk) serve(w wish) {
	for {
		batch, left := d.next(w)
		if len(batch) == 0 {
			return
		}
		d.take(w, batch)
		for _, t := range batch {
			close(t.done)
		}
		d.linger(w, len(batch)+left)
	}
}

// next is the next batch, the longest waiting first, and how many wait beside
// it. It closes the lane where nobody waits.
func (d *Desk) next(w wish) (batch []*ticket, left int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queues[w]
	n := min(len(q.waiting), batchMost)
	batch = q.waiting[:n:n]
	if q.waiting = q.waiting[n:]; n > 0 {
		return batch, len(q.waiting)
	}
	if q.lanes--; q.lanes == 0 {
		delete(d.queues, w)
	}
	return nil, 0
}

// linger lets those who were just served ask again, where there are several:
// callers in a loop would else fall into two groups, each waiting while the
// other is served by half a batch. A caller who is alone is not held up.
func (d *Desk) linger(w wish, crowd int) {
	for began := time.Now(); crowd > 1 && d.waiting(w) < crowd && time.Since(began) < lingerMost; {
		runtime.Gosched()
	}
}

func (d *Desk) waiting(w wish) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.queues[w].waiting)
}
