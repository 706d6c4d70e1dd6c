package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// races is how many random programs a property has to survive.
const races = 30

// race runs a random program: some callers, each with a store of its own as if
// they were on several machines, lease and give back in a small block at the
// same time. It says what the ledger and the table then disagree on, and what
// the table covers twice or not at all.
func (c *counter) race(seed uint64, stores []*postgres.Store) []string {
	c.t.Helper()
	c.exec("truncate pieces, tenures, blocks, aggregates cascade")
	dice := rand.New(rand.NewPCG(seed, 17))
	block := netip.MustParsePrefix([]string{"10.1.0.0/26", "10.1.0.0/24", "2001:db8::/121"}[dice.IntN(3)])
	c.exec("select add_block($1, null, 'lab1', 'private', 'pool', null, '')", block)
	promises := newLedger()
	var side sync.WaitGroup
	for i, store := range stores {
		dice := rand.New(rand.NewPCG(seed, uint64(i)))
		side.Go(func() {
			who := fmt.Sprintf("project/c%d", i)
			for n := range 3 + dice.IntN(10) {
				ask, bits := fmt.Sprint(n), block.Addr().BitLen()-min(dice.IntN(4), dice.IntN(4))
				got, err := store.Lease(c.t.Context(), postgres.LeaseAsk{Blocks: []netip.Prefix{block}, Bits: bits, Holder: metal.Holder(who), Ask: ask})
				if err != nil {
					continue // no room, or weather: then nothing was promised
				}
				promises.got(got, who+" "+ask)
				if dice.IntN(3) == 0 {
					promises.gone(got) // before anybody else can have it
					if _, err := c.db.Exec(c.t.Context(), "select free_pieces($1, array[$2::inet])", block, got.Addr()); err != nil {
						promises.got(got, who+" "+ask)
					}
				}
			}
		})
	}
	side.Wait()
	now := c.tiling()
	return append(now.faults(), promises.against(now)...)
}

func (c *counter) racers() (all []*postgres.Store) {
	for range 6 {
		all = append(all, openStore(c.t, c.dsn, 2))
	}
	return all
}

// weaken takes parts of the allocator's guard away, in this database only.
func (c *counter) weaken(locks, constraints bool) {
	c.t.Helper()
	if locks {
		var body string
		require.NoError(c.t, c.db.QueryRow(c.t.Context(), "select pg_get_functiondef('take_prefixes'::regproc)").Scan(&body))
		for _, guard := range []string{" for no key update skip locked", " and num_nulls(p.holder, p.released) = 2"} {
			require.Contains(c.t, body, guard)
			body = strings.ReplaceAll(body, guard, "")
		}
		c.exec(body)
	}
	if constraints {
		c.exec("alter table pieces drop constraint nothing_lost, drop constraint pieces_pkey")
		c.exec("drop index nothing_twice, one_per_ask")
		c.exec("create index on pieces (first)") // only so that it stays fast
		c.exec("create index on pieces (holder, ask)")
	}
}

func TestCallersAtOnceNeverShareAnAddress(t *testing.T) {
	t.Parallel()
	for name, constraints := range map[string]bool{"as it is": false, "with the locks alone": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCounter(t)
			c.weaken(false, constraints)
			stores := c.racers()
			for seed := range uint64(races) {
				require.Empty(t, c.race(seed, stores), "seed %d", seed)
			}
		})
	}
}

// The property would not hold without the locks and the constraints, and this
// is how it shows: were it otherwise, it would prove nothing.
func TestWithoutLocksAndConstraintsTheSameRacesFindDoubles(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.weaken(true, true)
	stores := c.racers()
	found := ""
	for seed := uint64(0); seed < races && !(strings.Contains(found, overlap) && strings.Contains(found, promised)); seed++ {
		found += strings.Join(c.race(seed, stores), "\n")
	}
	require.Contains(t, found, overlap, "pieces in the table")
	require.Contains(t, found, promised, "answers to callers")
}
