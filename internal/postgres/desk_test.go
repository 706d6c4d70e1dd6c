package postgres_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/stack/pgtest"
)

// counter is a store with one site, and what tests do behind its back.
type counter struct {
	t     *testing.T
	dsn   string
	store *postgres.Store
	db    *pgxpool.Pool
}

func newCounter(t *testing.T, blocks ...string) *counter {
	t.Helper()
	dsn := pgtest.Database(t, postgres.Migrate)
	c := &counter{t: t, dsn: dsn, store: openStore(t, dsn, 8), db: openPool(t, dsn, 4)}
	c.exec("insert into sites (id, metro, boot) values ('lab1', 'lab', '{127.65.0.67}')")
	c.exec("update space_rules set rest = '0'")
	for _, b := range blocks {
		c.exec("select add_block($1, null, 'lab1', 'private', 'pool', null, '')", b)
	}
	return c
}

func openStore(t *testing.T, dsn string, conns int) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), fmt.Sprintf("%s&pool_max_conns=%d", dsn, conns))
	require.NoError(t, err)
	t.Cleanup(store.Close)
	return store
}

func openPool(t *testing.T, dsn string, conns int) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), fmt.Sprintf("%s&pool_max_conns=%d", dsn, conns))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func (c *counter) exec(sql string, args ...any) {
	c.t.Helper()
	_, err := c.db.Exec(c.t.Context(), sql, args...)
	require.NoError(c.t, err, sql)
}

func (c *counter) count(sql string, args ...any) (n int) {
	c.t.Helper()
	require.NoError(c.t, c.db.QueryRow(c.t.Context(), sql, args...).Scan(&n), sql)
	return n
}

func (c *counter) lease(block string, bits int, holder, ask string) (netip.Prefix, error) {
	return c.store.Lease(c.t.Context(), leaseOf(holder, ask, bits, block))
}

func leaseOf(holder, ask string, bits int, blocks ...string) postgres.LeaseAsk {
	all := make([]netip.Prefix, len(blocks))
	for i, b := range blocks {
		all[i] = netip.MustParsePrefix(b)
	}
	return postgres.LeaseAsk{Blocks: all, Bits: bits, Holder: metal.Holder(holder), Ask: ask}
}

// shut keeps every transaction that leases waiting, with an ask of "early" in
// each, so that further asks gather, until open is called.
func (c *counter) shut(block string) (open func()) {
	c.t.Helper()
	tx, err := c.db.Begin(c.t.Context())
	require.NoError(c.t, err)
	_, err = tx.Exec(c.t.Context(), "lock table pieces in access exclusive mode")
	require.NoError(c.t, err)
	var early sync.WaitGroup
	for i := range postgres.Lanes {
		early.Go(func() {
			if _, err := c.lease(block, 32, "project/early", fmt.Sprint(i)); err != nil {
				c.t.Error(err)
			}
		})
		c.queued(i + 1)
	}
	return func() {
		require.NoError(c.t, tx.Rollback(c.t.Context()))
		early.Wait()
	}
}

// queued waits until so many transactions wait for a lock.
func (c *counter) queued(n int) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		return c.count("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == n
	}, 20*time.Second, 5*time.Millisecond)
}

// gathered waits until so many asks wait for their turn.
func (c *counter) gathered(n int) {
	c.t.Helper()
	require.Eventually(c.t, func() bool { return c.store.Waiting() == n }, 20*time.Second, 5*time.Millisecond)
}

func TestAsksThatArriveTogetherShareATransaction(t *testing.T) {
	t.Parallel()
	c := newCounter(t, "10.1.0.0/24")
	open := c.shut("10.1.0.0/24")
	var side sync.WaitGroup
	for i := range 50 {
		side.Go(func() {
			if _, err := c.lease("10.1.0.0/24", 32, "project/acme", fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	c.gathered(50)
	open()
	side.Wait()
	require.Equal(t, 50, c.count("select count(distinct prefix) from pieces where holder = 'project/acme'"))
	require.Equal(t, 1, c.count("select count(distinct taken_at) from pieces where holder = 'project/acme'"), "moments at which transactions began")
	c.tiled()
}

func TestALeaseAskedForAgainIsTheSame(t *testing.T) {
	t.Parallel()
	c := newCounter(t, "10.1.0.0/24", "10.2.0.0/24")
	first, err := c.lease("10.1.0.0/24", 31, "project/acme", "a")
	require.NoError(t, err)
	require.Equal(t, "10.1.0.0/31", first.String())
	again, err := c.lease("10.2.0.0/24", 30, "project/acme", "a")
	require.NoError(t, err)
	require.Equal(t, first, again, "wherever it is asked for")
	other, err := c.lease("10.1.0.0/24", 31, "project/globex", "a")
	require.NoError(t, err)
	require.Equal(t, "10.1.0.2/31", other.String())
}

func TestTheSameAskTwiceInABatchIsOneLease(t *testing.T) {
	t.Parallel()
	c := newCounter(t, "10.1.0.0/24")
	open := c.shut("10.1.0.0/24")
	var side sync.WaitGroup
	got := make([]netip.Prefix, 20)
	for i := range got {
		side.Go(func() {
			var err error
			if got[i], err = c.lease("10.1.0.0/24", 32, "project/acme", fmt.Sprint(i%2)); err != nil {
				t.Error(err)
			}
		})
	}
	c.gathered(20)
	open()
	side.Wait()
	for i := range got {
		require.Equal(t, got[i%2], got[i])
	}
	require.NotEqual(t, got[0], got[1])
	require.Equal(t, 2, c.count("select count(*) from pieces where holder = 'project/acme'"))
}

// One caller leaves while its ask waits, one while it is being served, and
// others stay.
func TestACallerWhoLeavesSpoilsNothingForTheOthers(t *testing.T) {
	t.Parallel()
	c := newCounter(t, "10.1.0.0/24", "10.2.0.0/24")
	open := c.shut("10.1.0.0/24")
	var side sync.WaitGroup
	leave, answers := map[string]context.CancelFunc{}, map[string]chan error{}
	ask := func(who, block string) {
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan error, 1)
		leave[who], answers[who] = cancel, answer
		side.Go(func() {
			_, err := c.store.Lease(ctx, leaseOf("project/acme", who, 32, block))
			answer <- err
		})
	}
	ask("waiting", "10.1.0.0/24")
	ask("staying", "10.1.0.0/24")
	c.gathered(2)
	ask("served", "10.2.0.0/24") // nobody is before it there
	c.queued(postgres.Lanes + 1)
	for _, who := range []string{"served", "waiting"} {
		leave[who]()
		require.ErrorIs(t, <-answers[who], context.Canceled)
	}
	open()
	require.NoError(t, <-answers["staying"])
	side.Wait()
	require.Zero(t, c.count("select count(*) from pieces where ask = 'waiting'"), "nobody is there to take it")
	got, err := c.lease("10.2.0.0/24", 32, "project/acme", "served")
	require.NoError(t, err)
	require.Equal(t, "10.2.0.0/32", got.String(), "the answer that was lost")
	leave["staying"]()
	c.tiled()
}

func TestAnAskThatTheDatabaseRefusesSpoilsNothingForTheOthers(t *testing.T) {
	t.Parallel()
	c := newCounter(t, "10.1.0.0/24")
	open := c.shut("10.1.0.0/24")
	var side sync.WaitGroup
	for i, holder := range []string{"project/acme", "nobody", "project/globex", "device/unheard-of"} {
		side.Go(func() {
			_, err := c.lease("10.1.0.0/24", 32, holder, "a")
			if refused := i%2 == 1; refused != (err != nil) {
				t.Errorf("%s: %v", holder, err)
			}
		})
	}
	c.gathered(4)
	open()
	side.Wait()
	require.Equal(t, 2, c.count("select count(*) from pieces where ask = 'a'"))
	c.tiled()
}

func TestAFullBlockIsNamedWithItsLongestFreePrefix(t *testing.T) {
	t.Parallel()
	c := newCounter(t, "10.1.0.0/29", "10.2.0.0/30")
	for i, want := range []string{"10.1.0.0/30", "10.1.0.4/30", "10.2.0.0/30"} {
		got, err := c.store.Lease(t.Context(), leaseOf("project/acme", fmt.Sprint(i), 30, "10.1.0.0/29", "10.2.0.0/30"))
		require.NoError(t, err)
		require.Equal(t, want, got.String(), "the first block that has room")
	}
	c.exec("select free_pieces('10.1.0.0/29', '{10.1.0.4}')")
	_, err := c.lease("10.1.0.0/29", 32, "project/acme", "small")
	require.NoError(t, err)
	_, err = c.store.Lease(t.Context(), leaseOf("project/acme", "more", 30, "10.1.0.0/29", "10.2.0.0/30"))
	require.ErrorIs(t, err, metal.ErrNoAddress)
	require.ErrorContains(t, err, "block 10.1.0.0/29 has longest free prefix 10.1.0.6/31, block 10.2.0.0/30 has nothing free")
	_, err = c.lease("10.1.0.0/29", 28, "project/acme", "large")
	require.ErrorIs(t, err, metal.ErrInvalidPrefix)
	require.ErrorContains(t, err, "block 10.1.0.0/29 cannot hold a /28; ask for /29 to /32")
	_, err = c.lease("10.1.0.0/29", 64, "project/acme", "wrong family")
	require.ErrorIs(t, err, metal.ErrInvalidPrefix)
}

// The rows of an answer arrive before its transaction is committed.
func TestWhatWasNotCommittedIsNotAnswered(t *testing.T) {
	t.Parallel()
	c := newCounter(t, "10.1.0.0/24")
	c.exec(`create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not today'; end $$`)
	c.exec(`create constraint trigger refuse after update on pieces deferrable initially deferred for each row execute function refuse()`)
	got, err := c.lease("10.1.0.0/24", 32, "project/acme", "a")
	require.ErrorContains(t, err, "not today")
	require.False(t, got.IsValid())
}

func TestABlockWhoseLastPieceIsBeingTakenIsNotFull(t *testing.T) {
	t.Parallel()
	c := newCounter(t, "10.1.0.0/32")
	tx, err := c.db.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "select from pieces where first = '10.1.0.0' for no key update")
	require.NoError(t, err)
	_, err = c.lease("10.1.0.0/32", 32, "project/acme", "a")
	require.ErrorContains(t, err, "others are taking what is left")
	require.NotErrorIs(t, err, metal.ErrNoAddress, "it is weather: the other may give up")
	require.NoError(t, tx.Rollback(t.Context()))
	_, err = c.lease("10.1.0.0/32", 32, "project/acme", "a")
	require.NoError(t, err)
}
