package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"
	"github.com/stretchr/testify/require"

	"millwright/internal/postgres"
	"millwright/internal/stack/pgtest"
	"millwright/schema"
)

// beforeLife is a schema after which a migration alters tables that are there.
const beforeLife = 18

// older is a database that is not at the newest schema yet, and somebody who
// reads a table of it in a transaction that he has forgotten.
func older(t *testing.T) (dsn string, reader pgx.Tx) {
	t.Helper()
	dsn = pgtest.Database(t, nil)
	migrator, err := migrate.NewMigrator(t.Context(), connected(t, dsn), "schema_version")
	require.NoError(t, err)
	require.NoError(t, migrator.LoadMigrations(schema.Migrations))
	require.NoError(t, migrator.MigrateTo(t.Context(), beforeLife))
	reader, err = connected(t, dsn).Begin(t.Context())
	require.NoError(t, err)
	_, err = reader.Exec(t.Context(), "select from machines")
	require.NoError(t, err)
	return dsn, reader
}

func connected(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the database is dropped
	return conn
}

// Whoever waits for a table that a migration waits for waits behind it, so the
// migration gives way again and again.
func TestAMigrationThatWaitsKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	dsn, reader := older(t)
	migrated := make(chan error, 1)
	go func() { migrated <- postgres.MigrateWithin(t.Context(), dsn, 300*time.Millisecond, time.Minute) }()
	awaitLock(t, dsn)
	service := connected(t, dsn)
	_, err := service.Exec(t.Context(), "set lock_timeout = '20s'")
	require.NoError(t, err)
	_, err = service.Exec(t.Context(), "select from machines")
	require.NoError(t, err, "the service waits as long as the migration does")
	require.Empty(t, migrated, "it migrated a table that somebody reads")
	require.NoError(t, reader.Rollback(t.Context()))
	require.NoError(t, <-migrated)
}

func TestAMigrationThatNeverGetsItsLockSaysWhoHasIt(t *testing.T) {
	t.Parallel()
	dsn, _ := older(t)
	err := postgres.MigrateWithin(t.Context(), dsn, 50*time.Millisecond, 100*time.Millisecond)
	require.ErrorContains(t, err, "somebody has had a lock")
	require.ErrorContains(t, err, "idle in transaction")
	require.NotContains(t, err.Error(), "select from machines", "what somebody asked for may be a secret")
}

// The way back from a release is the one before, on the newer schema.
func TestTheSchemaOfALaterReleaseIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t, postgres.Migrate)
	conn := connected(t, dsn)
	_, err := conn.Exec(t.Context(), "update schema_version set version = version + 2")
	require.NoError(t, err)
	require.NoError(t, postgres.Migrate(t.Context(), dsn))
}

// awaitLock waits until somebody waits for a lock.
func awaitLock(t *testing.T, dsn string) {
	t.Helper()
	conn := connected(t, dsn)
	require.Eventually(t, func() bool {
		var waits bool
		err := conn.QueryRow(t.Context(), `select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database())`).Scan(&waits)
		return err == nil && waits
	}, 20*time.Second, 5*time.Millisecond)
}
