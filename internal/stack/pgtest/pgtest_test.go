package pgtest_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/stack/pgtest"
)

// migrations counts how often migrate ran in this process.
var migrations atomic.Int32

func migrate(ctx context.Context, dsn string) error {
	migrations.Add(1)
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "create table machines (id text primary key)")
	return err
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.Background())) })
	return conn
}

func TestEachDatabaseIsMigratedAndItsOwn(t *testing.T) {
	t.Parallel()
	for range 3 {
		conn := connect(t, pgtest.Database(t, migrate))
		_, err := conn.Exec(t.Context(), "insert into machines values ('m1')")
		require.NoError(t, err, "the row of another database is in this one")
	}
	require.EqualValues(t, 1, migrations.Load())
}

func TestTheServerOutlivesGarbageCollection(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Database(t, nil))
	for range 3 {
		runtime.GC() // nobody refers to the server's Stack
	}
	_, err := conn.Exec(t.Context(), "create table fresh_file_in_the_data_folder ()")
	require.NoError(t, err)
	connect(t, pgtest.Database(t, nil))
}

func TestADatabaseIsGoneAfterItsTestThoughConnectionsAreOpen(t *testing.T) {
	t.Parallel()
	var dsn string
	t.Run("a test", func(t *testing.T) {
		dsn = pgtest.Database(t, nil)
		leaked, err := pgx.Connect(t.Context(), dsn)
		require.NoError(t, err)
		require.NoError(t, leaked.Ping(t.Context()))
	})
	_, err := pgx.Connect(t.Context(), dsn)
	require.ErrorContains(t, err, "does not exist")
}

func TestAFailedMigrationIsToldToEveryTest(t *testing.T) {
	t.Parallel()
	fails := func(ctx context.Context, dsn string) error { return context.DeadlineExceeded }
	for range 2 {
		_, err := pgtest.TemplateFor(fails)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
}
