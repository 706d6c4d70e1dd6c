package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"millwright/internal/postgres/query"
)

const (
	// weatherLimit bounds how long a transaction is tried again. A deadlock is
	// found after one second (Postgres's deadlock_timeout); whoever called has
	// retries of its own, of minutes.
	weatherLimit = 4 * time.Second
	// longestPause is random, so that those who met do not meet again.
	longestPause = 25 * time.Millisecond
)

// errBusy is for what other transactions are about to change.
var errBusy = errors.New("others are changing it at this moment; try again")

// retried runs f in one transaction, and again where it met others. f must set
// whatever it answers anew each time.
func (s *Store) retried(ctx context.Context, f func(*query.Queries) error) error {
	deadline := time.Now().Add(weatherLimit)
	for {
		err := s.in(ctx, f)
		if err == nil || !met(err) || time.Now().After(deadline) {
			return err
		}
		pause := time.NewTimer(rand.N(longestPause))
		select {
		case <-ctx.Done():
			pause.Stop()
			return err
		case <-pause.C:
		}
	}
}

// meetings are unique indexes that say who came second, not that something is
// wrong: the next try sees what the first one wrote.
var meetings = []string{"one_per_ask", "pieces_pkey", "nothing_twice", "reservations_pkey"}

// met says whether a transaction ended because another one was in its way.
func met(err error) bool {
	var sql *pgconn.PgError
	if !errors.As(err, &sql) {
		return errors.Is(err, errBusy)
	}
	switch sql.Code {
	case "55P03", "40P01", "40001": // lock_not_available, deadlock_detected, serialization_failure
		return true
	case "P0002": // no_data_found: what was free when it was looked at, is not
		return true
	case "23505": // unique_violation
		for _, name := range meetings {
			if sql.ConstraintName == name {
				return true
			}
		}
	}
	return false
}
