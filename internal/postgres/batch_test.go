package postgres_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Batches of every size, from pieces of every size: what is taken and what
// stays is the whole block, and large pieces survive.
func TestABatchTakesTheSmallestPiecesThatDo(t *testing.T) {
	t.Parallel()
	for _, block := range []string{"10.1.0.0/24", "2001:db8::/56"} {
		c := newCounter(t, block)
		top := netip.MustParsePrefix(block)
		for n := 1; n <= 11; n++ {
			for bits := top.Bits() + 5; bits <= top.Bits()+8; bits++ {
				got := c.batch(block, bits, n, fmt.Sprint(bits, "-", n))
				if len(got) < n {
					require.Zero(t, c.count("select count(*) from pieces where block is not null and holder is null and masklen(prefix) <= $1", bits))
				}
				c.tiled()
			}
		}
	}
}

func (c *counter) batch(block string, bits, n int, ask string) []netip.Prefix {
	c.t.Helper()
	holders, asks := make([]string, n), make([]string, n)
	for i := range n {
		holders[i], asks[i] = "project/acme", fmt.Sprint(ask, "-", i)
	}
	rows, err := c.db.Query(c.t.Context(), "select got from take_prefixes($1, $2, $3, $4) order by at", block, bits, holders, asks)
	require.NoError(c.t, err)
	got, err := pgx.CollectRows(rows, pgx.RowTo[netip.Prefix])
	require.NoError(c.t, err)
	for _, p := range got {
		require.Equal(c.t, bits, p.Bits())
	}
	return got
}

// A session plans once. It may do so when there is hardly anything to search.
func TestAPlanMadeForASmallTableServesALargeOne(t *testing.T) {
	t.Parallel()
	c := newCounter(t, "10.1.0.0/16")
	c.exec("analyze pieces")
	conn, err := c.db.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	take := func(ask, n int) (read int) {
		tx, err := conn.Begin(t.Context())
		require.NoError(t, err)
		before := rowsRead(t, tx)
		_, err = tx.Exec(t.Context(), `select take_prefixes('10.1.0.0/16', 32, array_fill('project/acme'::text, array[$2::int]),
			array(select $1 || '-' || i from generate_series(1, $2::int) i))`, fmt.Sprint(ask), n)
		require.NoError(t, err)
		read = rowsRead(t, tx) - before
		require.NoError(t, tx.Commit(t.Context()))
		return read
	}
	take(0, 8)
	take(1, 2000)
	require.Less(t, take(2, 8), 100, "rows read for 8 prefixes")
}

// rowsRead is what a session has read of pieces and not reported yet: it
// reports once a second, so that earlier transactions can be in it.
func rowsRead(t *testing.T, tx pgx.Tx) (n int) {
	t.Helper()
	require.NoError(t, tx.QueryRow(t.Context(),
		`select coalesce(seq_tup_read + idx_tup_fetch, 0) from pg_stat_xact_user_tables where relname = 'pieces'`).Scan(&n))
	return n
}
