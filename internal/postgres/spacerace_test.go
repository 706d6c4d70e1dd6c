package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// refused are what a verb may answer when it comes late: no weather is among
// them, because the store tries again by itself.
var refused = []error{metal.ErrNoAddress, metal.ErrInUse, metal.ErrQuarantined, metal.ErrOverlap, metal.ErrWrongState, metal.ErrNotAllowed, metal.ErrUnknownReservation}

func TestOperatorsAndTenantsAtOnceLoseNoAddressAndSeeNoWeather(t *testing.T) {
	t.Parallel()
	r := space(t)
	require.NoError(t, r.store.SetRest(t.Context(), metal.Public, 0))
	pool := prefix("203.0.113.0/24")
	anywhere := func(dice *rand.Rand, bits int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(dice.IntN(256))}), bits).Masked()
	}
	var side sync.WaitGroup
	for n := range 16 {
		side.Go(func() {
			dice := rand.New(rand.NewPCG(11, uint64(n)))
			for step := range 40 {
				ctx, bits := t.Context(), 26+dice.IntN(7)
				w := wish(1000*n+dice.IntN(20), 28+dice.IntN(5))
				verbs := []func() error{
					func() error {
						_, err := r.store.Take(ctx, postgres.TakeWish{Holder: "imported/x", Ask: fmt.Sprint(n, step), Block: pool, Bits: bits})
						return err
					},
					func() error {
						_, err := r.store.Take(ctx, postgres.TakeWish{Holder: "imported/y", Prefix: anywhere(dice, bits)})
						return err
					},
					func() error { _, err := r.store.GiveBack(ctx, anywhere(dice, bits)); return err },
					func() error { _, err := r.store.FreeNow(ctx, anywhere(dice, bits)); return err },
					func() error { _, err := r.store.FreeRested(ctx); return err },
					func() error { _, err := r.store.Reserve(ctx, w); return err },
					func() error { _, err := r.store.Approve(ctx, w.ID); return err },
					func() error { _, err := r.store.Release(ctx, w.ID); return err },
					func() error {
						_, err := r.store.CutBlock(ctx, metal.Block{Parent: pool, Project: "acme"}, 29)
						return err
					},
					func() error { return r.store.RemoveBlock(ctx, anywhere(dice, 29)) },
				}
				i := dice.IntN(len(verbs))
				if err := verbs[i](); err != nil && !expected(err) {
					t.Errorf("verb %d: %v", i, err)
				}
			}
		})
	}
	side.Wait()
	r.whole()
}

func expected(err error) bool {
	for _, kind := range append(refused, metal.ErrInvalidPrefix, metal.ErrOrderConflict) {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// Somebody else has the only free piece locked, and lets go of it.
func TestWhoMeetsOthersTriesAgainUntilTheyAreGone(t *testing.T) {
	t.Parallel()
	r := space(t)
	conn, err := pgx.Connect(t.Context(), r.dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "select from pieces where prefix = '203.0.113.0/24' for update")
	require.NoError(t, err)
	ask := postgres.TakeWish{Holder: "imported/x", Ask: "one", Block: prefix("203.0.113.0/24"), Bits: 30}
	took := make(chan error, 1)
	go func() { _, err := r.store.Take(t.Context(), ask); took <- err }()
	require.Eventually(t, func() bool { return r.attempts() > 3 }, 10*time.Second, 5*time.Millisecond, "it is tried more than once")
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, <-took)
	r.whole()
}

// attempts counts transactions of this database that ended in vain.
func (r *rig) attempts() (n int) {
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	require.NoError(r.t, err)
	defer conn.Close(context.Background())
	require.NoError(r.t, conn.QueryRow(r.t.Context(), "select pg_stat_get_db_xact_rollback(oid) from pg_database where datname = current_database()").Scan(&n))
	return n
}
