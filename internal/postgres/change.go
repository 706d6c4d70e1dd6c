package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// change runs f in one transaction with the record of who asked for it, and
// with the key under which a repeat finds it. What f returns is the path of the
// thing that was made or changed. It answers metal.ErrRepeated, and runs
// nothing, where the same was done before.
func (s *Store) change(ctx context.Context, c metal.Request, f func(*query.Queries) (thing string, err error)) error {
	return s.retried(ctx, func(q *query.Queries) error {
		if c.Key != "" {
			if err := q.LockRepeat(ctx, query.LockRepeatParams{Caller: c.Caller.Name(), Key: c.Key}); err != nil {
				return err
			}
			if _, err := done(ctx, q, c); !errors.Is(err, metal.ErrNotFound) {
				return errors.Join(err, metal.ErrRepeated)
			}
		}
		thing, err := f(q)
		if err != nil {
			return untaken(err)
		}
		if err := recordChange(ctx, q, c, thing, c.Code, "done"); err != nil || c.Key == "" {
			return err
		}
		return q.InsertRepeat(ctx, query.InsertRepeatParams{Caller: c.Caller.Name(), Key: c.Key, Digest: c.Digest, Code: int32(c.Code), Thing: thing})
	})
}

// Done is what a change did, if it was done before under its key; else
// metal.ErrNotFound. The key of another request is refused.
func (s *Store) Done(ctx context.Context, c metal.Request) (metal.Done, error) {
	return done(ctx, s.Queries(), c)
}

func done(ctx context.Context, q *query.Queries, c metal.Request) (metal.Done, error) {
	row, err := q.GetRepeat(ctx, query.GetRepeatParams{Caller: c.Caller.Name(), Key: c.Key})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return metal.Done{}, fmt.Errorf("key %q: %w", c.Key, metal.ErrNotFound)
	case err != nil:
		return metal.Done{}, err
	case !bytes.Equal(row.Digest, c.Digest):
		return metal.Done{}, fmt.Errorf("Idempotency-Key %q: it was given before with another request; use a new one: %w", c.Key, metal.ErrOrderConflict)
	}
	return metal.Done{Code: int(row.Code), Thing: row.Thing}, nil
}

// Refused records a change that was asked for and not done.
func (s *Store) Refused(ctx context.Context, c metal.Request, code int, why string) error {
	return recordChange(ctx, s.Queries(), c, "", code, why)
}

func recordChange(ctx context.Context, q *query.Queries, c metal.Request, thing string, code int, outcome string) error {
	return q.InsertChange(ctx, query.InsertChangeParams{
		Request: c.ID, Caller: c.Caller.Name(), Key: string(c.Caller.Key), Source: c.Source, Method: c.Method, Path: c.Path,
		Organization: string(c.Scope.Organization), Project: string(c.Scope.Project), Thing: thing, Code: int32(code), Outcome: outcome,
	})
}

// untaken says in words what Postgres itself would not take of a value: numbers
// and texts beyond what it can hold (classes 22 and 54 of SQLSTATE).
func untaken(err error) error {
	var sql *pgconn.PgError
	if errors.As(err, &sql) && (strings.HasPrefix(sql.Code, "22") || strings.HasPrefix(sql.Code, "54")) {
		return fmt.Errorf("body: %s: %w", sql.Message, metal.ErrInvalid)
	}
	return err
}
