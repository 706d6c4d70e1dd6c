package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	tries = 12                    // a batch that loses twelve races has met something else
	pause = 20 * time.Millisecond // at most, between two of them; a transaction is over in less
)

// insist tries again where others were faster: it waits for nobody's rows, so
// it may find the last free ones locked.
func (d *Desk) insist(ctx context.Context, w wish, asks []*ticket) error {
	if len(asks) == 0 {
		return nil
	}
	var err error
	for range tries {
		if err = d.once(ctx, w, asks); !contended(err) {
			break
		}
		select {
		case <-time.After(rand.N(pause)):
		case <-ctx.Done():
			return fmt.Errorf("block %s: %w", w.block, err)
		}
	}
	if err != nil {
		return fmt.Errorf("block %s: %w", w.block, err)
	}
	return nil
}

// contended tells whether somebody else was in the way: of a row, in a circle,
// or with the very same ask.
func contended(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) &&
		(slices.Contains([]string{"55P03", "40P01", "40001"}, refused.Code) ||
			refused.Code == "23505" && refused.ConstraintName == "one_per_ask")
}

// ofOne tells whether one ask alone may be at fault, as with a holder that the
// database does not know: data exceptions and broken constraints.
func ofOne(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && slices.Contains([]string{"22", "23"}, refused.Code[:2])
}
