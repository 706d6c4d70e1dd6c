package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Store is a pool of connections with Millwright's verbs on it.
type Store struct {
	pool *pgxpool.Pool
	desk *Desk

	// CheckUserData finds user data that a system would not take, when a device
	// is ordered with it. Nil takes everything.
	CheckUserData func(metal.FirstBootMethod, []byte) error
	// CheckStorage finds a layout of disks that no agent would take, likewise.
	CheckStorage func([]byte) error
}

// defaultConns serves some hundred activities at once, each a transaction of
// milliseconds; pgx's own default, one per core, lets them queue. A connection
// string says otherwise with pool_max_conns.
const defaultConns = 16

// Open connects lazily: a store can be opened while Postgres is away, and
// answers errors until it is back.
func Open(ctx context.Context, dsn string) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("parse the Postgres connection string: it is not a URL or key=value list that libpq would take") // its text may hold a password
	}
	if !strings.Contains(dsn, "pool_max_conns") {
		config.MaxConns = defaultConns
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open Postgres at %s: %w", config.ConnConfig.Host, err)
	}
	return &Store{pool: pool, desk: newDesk(pool)}, nil
}

// Close returns when every connection is closed.
func (s *Store) Close() { s.pool.Close() }

// Ping asks Postgres for a sign of life.
func (s *Store) Ping(ctx context.Context) error { return s.pool.Ping(ctx) }

// Queries gives the generated queries outside any transaction, to programs
// that only read.
func (s *Store) Queries() *query.Queries { return query.New(s.pool) }

// in runs f in one transaction.
func (s *Store) in(ctx context.Context, f func(*query.Queries) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return f(query.New(tx)) })
}

// held locks the claimed machine's row for the transaction, and refuses a claim
// that is no longer held: what is left of an earlier run writes nothing.
func held(ctx context.Context, q *query.Queries, claim metal.Claim) (query.Machine, error) {
	machine, err := q.HeldMachine(ctx, query.HeldMachineParams{
		Machine: string(claim.Machine), Device: string(claim.Device), Epoch: claim.Epoch,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return machine, fmt.Errorf("machine %q for device %s, epoch %d: %w", claim.Machine, claim.Device, claim.Epoch, metal.ErrStaleClaim)
	}
	return machine, err
}

func event(ctx context.Context, q *query.Queries, claim metal.Claim, kind, format string, args ...any) error {
	return insertEvent(ctx, q, query.InsertEventParams{
		Device: string(claim.Device), Machine: string(claim.Machine), Kind: kind, Body: fmt.Sprintf(format, args...),
	})
}

// Event records a sentence about a device and its machine.
func (s *Store) Event(ctx context.Context, claim metal.Claim, kind, body string) error {
	return event(ctx, s.Queries(), claim, kind, "%s", body)
}
