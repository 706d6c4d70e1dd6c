package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/tern/v2/migrate"

	"millwright/schema"
)

// patience is how long a migration waits for others.
type patience struct {
	lock  time.Duration // for one lock; whoever comes behind it waits as long
	pause time.Duration // until it tries again
	limit time.Duration // in all
}

// customary is for a service that goes on meanwhile: while a migration waits for
// a table, everybody else who wants that table waits behind it, and 3 s is less
// than any caller's limit.
var customary = patience{lock: 3 * time.Second, pause: 2 * time.Second, limit: 10 * time.Minute}

// Migrate brings the database to the newest schema, forward only, while others
// work on it. Two callers at once wait for each other; a repeat changes nothing.
// The schema of a later release is left as it is: this one works with it.
func Migrate(ctx context.Context, dsn string) error { return customary.migrate(ctx, dsn) }

func (p patience) migrate(ctx context.Context, dsn string) error {
	for began := time.Now(); ; {
		err := p.try(ctx, dsn)
		if !inTheWay(err) {
			return err
		}
		if time.Since(began) > p.limit {
			return fmt.Errorf("migrate: somebody has had a lock for %s: %s; end that, and repeat: %w", p.limit, busy(ctx, dsn), err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("migrate: %w; it was waiting for a lock: %w", ctx.Err(), err)
		case <-time.After(p.pause):
		}
	}
}

// try migrates, file by file: what is done stays done when a later one meets a
// lock.
func (p patience) try(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("migrate: connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, fmt.Sprintf("set lock_timeout = %d", p.lock.Milliseconds())); err != nil {
		return fmt.Errorf("migrate: bound the wait for locks: %w", err)
	}
	migrator, err := migrate.NewMigrator(ctx, conn, "schema_version")
	if err != nil {
		return fmt.Errorf("migrate: read the schema's version: %w", err)
	}
	if err := migrator.LoadMigrations(schema.Migrations); err != nil {
		return fmt.Errorf("migrate: load migrations: %w", err)
	}
	if at, err := migrator.GetCurrentVersion(ctx); err == nil && int(at) > len(migrator.Migrations) {
		return nil
	}
	if err := migrator.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// inTheWay tells whether a migration was stopped by somebody else's lock, and
// has taken nothing with it.
func inTheWay(err error) bool {
	const lockNotAvailable, deadlock = "55P03", "40P01" // Postgres, appendix A
	var refused *pgconn.PgError
	return errors.As(err, &refused) && (refused.Code == lockNotAvailable || refused.Code == deadlock)
}

// busy names the transactions that have been open for longest. What they asked
// for is not said: it may hold what nobody else should read.
func busy(ctx context.Context, dsn string) string {
	const longest = `select 'process ' || pid || ' (' || coalesce(nullif(application_name, ''), 'no name') || ', ' || coalesce(usename, '?') || ', ' || state
		|| ') since ' || xact_start::timestamptz(0) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null order by xact_start limit 3`
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "it cannot be asked who"
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, longest)
	if err != nil {
		return "it cannot be asked who"
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(found) == 0 {
		return "whose it was cannot be seen any more"
	}
	return strings.Join(found, "; ")
}
