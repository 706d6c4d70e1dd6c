package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// ours is a database of ours, and a store on it as a worker has it.
type ours struct {
	bench *bench
	store *postgres.Store
	conn  *pgx.Conn
	run   int // makes asks of every measurement different
}

func openOurs(ctx context.Context, b *bench, name string) (*ours, error) {
	dsn, err := b.database(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := postgres.Migrate(ctx, dsn); err != nil {
		return nil, err
	}
	o := &ours{bench: b}
	if o.conn, err = pgx.Connect(ctx, dsn); err != nil {
		return nil, err
	}
	_, err = o.conn.Exec(ctx, "insert into sites (id, metro, boot) values ('lab1', 'lab', '{127.65.0.67}')")
	if err != nil {
		return nil, err
	}
	o.store, err = postgres.Open(ctx, fmt.Sprintf("%s&pool_max_conns=%d", dsn, conns))
	return o, err
}

func (o *ours) close() {
	o.store.Close()
	_ = o.conn.Close(context.Background()) // the database is thrown away
}

// measure fills the block anew, lets the callers take, and checks what came of
// it.
func (o *ours) measure(ctx context.Context, l load, callers int) (sample, error) {
	if err := o.fill(ctx, l); err != nil {
		return sample{}, err
	}
	s, taken, err := o.take(ctx, l, callers)
	if err != nil {
		return s, err
	}
	return s, o.check(ctx, l.held+taken)
}

// take lets callers lease for as long as the window, each one after the other.
func (o *ours) take(ctx context.Context, l load, callers int) (sample, int, error) {
	o.run++
	for i := range 2 * conns { // connections, and their plans
		if _, err := o.lease(ctx, l, fmt.Sprintf("%d warm %d", o.run, i%warmAsks)); err != nil {
			return sample{}, 0, err
		}
	}
	c := crowd{window: o.bench.window, most: l.room() - warmAsks}
	err := c.run(callers, func(caller, n int) error {
		got, err := o.lease(ctx, l, fmt.Sprintf("%d %d %d", o.run, caller, n))
		if err == nil {
			c.note(got)
		}
		return err
	})
	o.bench.twice += c.twice
	return c.sample(), len(c.took) + warmAsks, err
}

// warmAsks are what the warm-up takes: the same few again and again.
const warmAsks = 4

func (o *ours) lease(ctx context.Context, l load, ask string) (netip.Prefix, error) {
	return o.store.Lease(ctx, postgres.LeaseAsk{Blocks: []netip.Prefix{l.block}, Bits: l.bits, Holder: "project/acme", Ask: ask})
}

// look asks who has an address, as an abuse desk does.
func (o *ours) look(ctx context.Context, callers int, addr func() netip.Addr) (sample, error) {
	c := crowd{window: o.bench.window}
	err := c.run(callers, func(int, int) error {
		who, err := o.store.Who(ctx, addr())
		if err == nil && who.State != metal.Held {
			err = fmt.Errorf("%s is %s", who.Address, who.State)
		}
		return err
	})
	return c.sample(), err
}

// crowd is callers in a loop, and how long each call took.
type crowd struct {
	window time.Duration
	most   int64 // calls; what ends first, they or the window, ends the crowd. 0 is no limit
	calls  atomic.Int64
	mu     sync.Mutex
	took   []float64 // milliseconds
	length time.Duration
	got    map[netip.Prefix]bool
	twice  int
}

func (c *crowd) run(callers int, call func(caller, n int) error) error {
	var side sync.WaitGroup
	errs := make(chan error, callers)
	began := time.Now()
	for i := range callers {
		side.Go(func() {
			var took []float64
			for n := 0; time.Since(began) < c.window && c.may(); n++ {
				asked := time.Now()
				if err := call(i, n); err != nil {
					errs <- err
					break
				}
				took = append(took, float64(time.Since(asked).Microseconds())/1000)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.took = append(c.took, took...)
		})
	}
	side.Wait()
	c.length = time.Since(began)
	close(errs)
	return <-errs
}

// may says whether there is anything left to take.
func (c *crowd) may() bool { return c.calls.Add(1) <= c.most || c.most == 0 }

// note counts answers that were given before.
func (c *crowd) note(got netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.got == nil {
		c.got = map[netip.Prefix]bool{}
	}
	if c.got[got] {
		c.twice++
	}
	c.got[got] = true
}

func (c *crowd) sample() sample {
	slices.Sort(c.took)
	if len(c.took) == 0 {
		return sample{}
	}
	return sample{float64(len(c.took)) / c.length.Seconds(), c.took[len(c.took)*99/100]}
}
