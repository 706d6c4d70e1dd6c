package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// stressFor is how long callers fight; MILLWRIGHT_SPACE_STRESS=3m says
// otherwise.
func stressFor(t *testing.T) time.Duration {
	text := os.Getenv("MILLWRIGHT_SPACE_STRESS")
	if text == "" {
		return 4 * time.Second
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err, "MILLWRIGHT_SPACE_STRESS")
	return d
}

const (
	killEvery = 25 // leases: a slow machine has time to connect again
	leastEach = 4  // steps of each caller, however slow the machine is
)

var stressBlocks = []string{"10.1.0.0/20", "10.2.0.0/22", "2001:db8::/108"}

// stress is a crowd that leases, gives back, cuts blocks, names prefixes and
// loses connections, on 48 of them: two stores with 18 each, 4 to give back, 4
// to break, 4 to look on.
type stress struct {
	*counter
	ledger *ledger
	stores []*postgres.Store
	giving *pgxpool.Pool
	broken chan struct{} // a place for each connection that is broken on purpose
	until  time.Time

	mu      sync.Mutex
	unheard [][2]string // asks that nobody heard the answer of

	leased, empty, given, exact, cut, lost, killed, looked atomic.Int64
}

func TestACrowdThatLosesItsConnectionsDoublesAndLosesNothing(t *testing.T) {
	t.Parallel()
	c := newCounter(t, stressBlocks...)
	victims := c.dsn + "&application_name=victim"
	s := &stress{counter: c, ledger: newLedger(), giving: openPool(t, victims, 4), broken: make(chan struct{}, 4), until: time.Now().Add(stressFor(t))}
	for range 2 {
		s.stores = append(s.stores, openStore(t, victims, 18))
	}
	var crowd, side sync.WaitGroup
	over := make(chan struct{})
	for i := range 254 {
		crowd.Go(func() { s.caller(i) })
	}
	for i := range 2 {
		crowd.Go(func() { s.cutter(i) })
	}
	side.Go(func() { s.every(500*time.Millisecond, over, s.look) })
	side.Go(func() { s.every(30*time.Millisecond, over, func() { _, _ = s.stores[0].FreeRested(t.Context()) }) })
	crowd.Wait()
	close(over)
	side.Wait()
	s.settle()
	s.tiled()
	require.Empty(t, s.ledger.against(s.tiling()), "what was promised is what is held")
	t.Logf("%d leased, %d times no room, %d given back, %d by name, %d blocks cut; %d asks left alone, %d connections killed; %d looks",
		s.leased.Load(), s.empty.Load(), s.given.Load(), s.exact.Load(), s.cut.Load(), s.lost.Load(), s.killed.Load(), s.looked.Load())
	require.NotZero(t, s.leased.Load()*s.given.Load()*s.exact.Load()*s.cut.Load()*s.lost.Load()*s.killed.Load()*s.looked.Load(), "all of it happened")
}

// settle waits for statements that nobody waits for. One may have leased after
// the same ask was answered again, and even given back: such a lease is whole,
// and nobody's.
func (s *stress) settle() {
	require.Eventually(s.t, func() bool {
		return s.count("select count(*) from pg_stat_activity where datname = current_database() and state = 'active' and pid <> pg_backend_pid()") == 0
	}, 10*time.Second, 5*time.Millisecond)
	promised := s.ledger.names()
	for _, u := range s.unheard {
		if !promised[u[0]+" "+u[1]] {
			s.giveBack(u[0], u[1], netip.Prefix{})
		}
	}
}

func (s *stress) every(pause time.Duration, over <-chan struct{}, what func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
			what()
		}
	}
}

// kill ends a connection at whatever it is doing.
func (s *stress) kill() {
	tag, err := s.db.Exec(s.t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and application_name = 'victim' and state = 'active' order by random() limit 1`)
	if err != nil {
		s.t.Error(err)
	}
	s.killed.Add(tag.RowsAffected())
}

// look checks the space as it stands at one moment, in the middle of it all.
func (s *stress) look() {
	conn, err := s.db.Acquire(s.t.Context())
	if err != nil {
		s.t.Error(err)
		return
	}
	defer conn.Release()
	now, err := readTiling(s.t.Context(), conn.Conn())
	if faults := now.faults(); err != nil || len(faults) > 0 {
		s.t.Error(err, faults)
	}
	s.looked.Add(1)
}

// caller leases and gives back until the time is over. What it holds, it knows.
func (s *stress) caller(i int) {
	dice := rand.New(rand.NewPCG(11, uint64(i)))
	who := fmt.Sprintf("project/c%d", i)
	mine := map[string]netip.Prefix{}
	for n := 0; n < leastEach || time.Now().Before(s.until); n++ {
		ask := fmt.Sprint(n)
		switch roll := dice.IntN(100); {
		case roll < 50 && len(mine) < 8:
			block := netip.MustParsePrefix(stressBlocks[dice.IntN(3)])
			small := min(dice.IntN(7), dice.IntN(7)) // small ones are more frequent
			if got, ok := s.lease(dice, who, ask, block.Addr().BitLen()-small, block); ok {
				mine[ask] = got
			}
		case roll < 60 && len(mine) < 8:
			if got, ok := s.takeExact(dice, who, ask); ok {
				mine[ask] = got
			}
		default:
			for ask, p := range mine { // any
				s.giveBack(who, ask, p)
				delete(mine, ask)
				break
			}
		}
	}
}

// lease asks until it has an answer. Before that it may ask and not hear it.
func (s *stress) lease(dice *rand.Rand, who, ask string, bits int, block netip.Prefix) (netip.Prefix, bool) {
	wish := postgres.LeaseAsk{Blocks: []netip.Prefix{block}, Bits: bits, Holder: metal.Holder(who), Ask: ask}
	store := s.stores[dice.IntN(len(s.stores))]
	unheard := true
	switch dice.IntN(10) {
	case 0:
		ctx, cancel := context.WithTimeout(s.t.Context(), time.Duration(dice.Int64N(int64(3*time.Millisecond))))
		defer cancel()
		_, err := store.Lease(ctx, wish)
		unheard = err != nil
	case 1:
		s.hangUp(block, bits, who, ask)
	default:
		unheard = false
	}
	if unheard {
		s.lost.Add(1)
		s.mu.Lock()
		s.unheard = append(s.unheard, [2]string{who, ask})
		s.mu.Unlock()
	}
	for {
		got, err := store.Lease(s.t.Context(), wish)
		switch {
		case err == nil:
			s.ledger.got(got, who+" "+ask)
			if s.leased.Add(1)%killEvery == 0 {
				s.kill()
			}
			return got, true
		case errors.Is(err, metal.ErrNoAddress):
			s.empty.Add(1)
			return got, false
		case s.t.Context().Err() != nil:
			s.t.Error(err)
			return got, false
		}
	}
}

// hangUp sends an ask and closes the socket before there can be an answer.
func (s *stress) hangUp(block netip.Prefix, bits int, who, ask string) {
	s.broken <- struct{}{}
	defer func() { <-s.broken }()
	conn, err := pgconn.Connect(s.t.Context(), s.dsn)
	if err != nil {
		s.t.Error(err)
		return
	}
	conn.Frontend().Send(&pgproto3.Query{String: fmt.Sprintf("select * from take_prefixes('%s', %d, '{%s}', '{%s}')", block, bits, who, ask)})
	err = conn.Frontend().Flush()
	if broke := conn.Conn().Close(); err != nil || broke != nil {
		s.t.Error(err, broke)
	}
}

// takeExact asks for a prefix by its name, and takes a refusal for an answer.
func (s *stress) takeExact(dice *rand.Rand, who, ask string) (netip.Prefix, bool) {
	at := netip.AddrFrom4([4]byte{10, 1, byte(dice.IntN(16)), byte(dice.IntN(256))})
	want := netip.PrefixFrom(at, 32-dice.IntN(4)).Masked()
	for {
		got, err := s.stores[0].Take(s.t.Context(), postgres.TakeWish{Holder: metal.Holder(who), Ask: ask, Prefix: want})
		if err == nil {
			s.ledger.got(got, who+" "+ask)
			s.exact.Add(1)
			return got, true
		}
		for _, refusal := range []error{metal.ErrInUse, metal.ErrQuarantined, metal.ErrOverlap, metal.ErrNotAllowed, context.Canceled} {
			if errors.Is(err, refusal) {
				return got, false
			}
		}
	}
}

// giveBack names the holder and its ask, not the prefix, which may be another
// one's when this is repeated.
func (s *stress) giveBack(who, ask string, p netip.Prefix) {
	if p.IsValid() {
		s.ledger.gone(p)
	}
	for {
		_, err := s.giving.Exec(context.Background(), `update pieces set holder = null, ask = null, taken_at = null, released = clock_timestamp()
			where holder = $1 and ask = $2`, who, ask)
		if err == nil {
			s.given.Add(1)
			return
		}
	}
}

// cutter makes blocks of its own, leases from them, and gives all of it back.
func (s *stress) cutter(i int) {
	dice := rand.New(rand.NewPCG(13, uint64(i)))
	project := fmt.Sprintf("cut%d", i)
	who := metal.ProjectHolder + project
	for n := 0; n < 100 && s.cut.Load() == 0 || time.Now().Before(s.until); n++ {
		made, err := s.stores[i].CutBlock(s.t.Context(), metal.Block{Parent: netip.MustParsePrefix(stressBlocks[0]), Purpose: metal.Own, Project: metal.ProjectID(project)}, 28)
		if err != nil {
			continue // full, or killed: a block that nobody heard of stays, and is whole
		}
		s.cut.Add(1)
		for k := range 4 {
			ask := fmt.Sprint(n, "-", k)
			if got, ok := s.lease(dice, who, ask, 32, made); ok {
				s.giveBack(who, ask, got)
			}
		}
		_, _ = s.stores[i].FreeRested(s.t.Context())
		_ = s.stores[i].RemoveBlock(s.t.Context(), made) // where something still rests in it, it stays
	}
}
