// Package pgtest gives each test a fresh PostgreSQL database.
//
// All test packages of one `make test` share one Postgres, named by
// MILLWRIGHT_TEST_DSN. Without that variable each package gets one of its own,
// on first use, which ends with the test process. It must not import anything
// of ours but internal/stack.
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/stack"
)

// Migrate brings an empty database to where a test wants to begin.
type Migrate func(ctx context.Context, dsn string) error

// Database returns the DSN of a new database, which is dropped when the test
// ends. migrate runs once per process, on a database that each test's is then
// copied from; nil gives an empty one. It must be a plain function, because two
// closures of one function literal are taken for one.
func Database(t testing.TB, migrate Migrate) string {
	t.Helper()
	admin, err := server()
	require.NoError(t, err)
	template, err := templateFor(admin, migrate)
	require.NoError(t, err)
	name := "test_" + unique()
	require.NoError(t, execute(t.Context(), admin, "create database "+name+" template "+template))
	t.Cleanup(func() {
		// The test's own connections may still be closing: hence the force.
		require.NoError(t, execute(context.Background(), admin, "drop database "+name+" with (force)"))
	})
	dsn, err := on(admin, name)
	require.NoError(t, err)
	return dsn
}

// server returns the DSN of a superuser. It is a variable because a test
// process shares one Postgres; it is never stopped, because only the process'
// end tells that the last test is over: see the package stack for how it ends.
var server = sync.OnceValues(func() (string, error) {
	if dsn := os.Getenv("MILLWRIGHT_TEST_DSN"); dsn != "" {
		return dsn, nil
	}
	s, err := stack.StartPostgres(context.Background(), stack.Config{NoFsync: true})
	if err != nil {
		return "", fmt.Errorf("start a Postgres for the tests of this package: %w", err)
	}
	return s.DSN, nil
})

// templates holds, for each Migrate function of this process, how to get the
// name of its template.
var templates sync.Map

func templateFor(admin string, migrate Migrate) (string, error) {
	if migrate == nil {
		return "template0", nil
	}
	once, _ := templates.LoadOrStore(reflect.ValueOf(migrate).Pointer(), sync.OnceValues(func() (string, error) {
		return makeTemplate(context.Background(), admin, migrate)
	}))
	return once.(func() (string, error))()
}

// makeTemplate migrates a new database, and closes it to everybody, because a
// database with connections cannot be copied.
func makeTemplate(ctx context.Context, admin string, migrate Migrate) (string, error) {
	name := "template_" + unique()
	if err := execute(ctx, admin, "create database "+name); err != nil {
		return "", err
	}
	dsn, err := on(admin, name)
	if err != nil {
		return "", err
	}
	if err := migrate(ctx, dsn); err != nil {
		return "", fmt.Errorf("migrate the template of the tests' databases: %w", err)
	}
	return name, execute(ctx, admin, "alter database "+name+" allow_connections false")
}

func execute(ctx context.Context, dsn, sql string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// on is the same server's DSN for another database.
func on(dsn, database string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("read MILLWRIGHT_TEST_DSN, which must be a URL: %w", err)
	}
	u.Path = "/" + database
	return u.String(), nil
}

func unique() string { return strings.ReplaceAll(uuid.NewString(), "-", "") }
