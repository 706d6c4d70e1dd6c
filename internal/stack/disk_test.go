package stack_test

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"millwright/internal/stack"
)

// What was told done before a disk was full is there when it is free again,
// whether Postgres lived through it or not.
func TestAFullDiskTakesNothingThatWasCommitted(t *testing.T) {
	t.Parallel()
	cfg := stack.Config{Disk: 256 << 20}
	if os.Geteuid() != 0 {
		_, err := stack.StartPostgres(t.Context(), cfg)
		require.ErrorContains(t, err, "as root")
		return
	}
	s := startPostgres(t, cfg)
	conn, err := pgx.Connect(t.Context(), s.DSN)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "create table kept (n int, words text)")
	require.NoError(t, err)
	require.NoError(t, s.Disk().Fill())
	told := 0
	for err == nil {
		require.Less(t, told, 10_000, "there is no room for 10,000 rows of 8 kB")
		if _, err = conn.Exec(t.Context(), "insert into kept select $1, string_agg(md5(random()::text), '') from generate_series(1, 256)", told); err == nil {
			told++
		}
	}
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused)
	require.Contains(t, []string{"53100", "57P02", "57P03"}, refused.Code, "disk full, or Postgres ended over it")
	require.NoError(t, s.Disk().Free())
	require.Eventually(t, func() bool {
		return s.Postgres.Start(t.Context()) == nil && query(t, s.DSN, "select count(*)::text from kept") >= "0"
	}, time.Minute, 100*time.Millisecond)
	require.Equal(t, strconv.Itoa(told), query(t, s.DSN, "select count(*)::text from kept"))
}
