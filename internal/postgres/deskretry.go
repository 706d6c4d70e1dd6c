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

// insist tries again where others were faster: taking waits for nobody's rows,
// so it may find the last free ones locked.
func (d *Desk) insist(ctx context.Context, w wish, asks []*ticket) error {
	if len(asks) == 0 {
		return nil
	}
	var err error
	for deadline := time.Now().Add(weatherLimit); ; {
		if err = d.once(ctx, w, asks); !met(err) || time.Now().After(deadline) {
			break
		}
		select {
		case <-time.After(rand.N(longestPause)):
		case <-ctx.Done():
			return fmt.Errorf("block %s: %w", w.block, err)
		}
	}
	if err != nil {
		return fmt.Errorf("block %s: %w; ask again, with the same name", w.block, err)
	}
	return nil
}

// ofOne tells whether one ask alone may be at fault, as with a holder that the
// database does not know: data exceptions and broken constraints.
func ofOne(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && slices.Contains([]string{"22", "23"}, refused.Code[:2])
}
