package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Moment is the database's clock, by which readings of all workers are ordered.
func (s *Store) Moment(ctx context.Context) (time.Time, error) {
	now, err := s.Queries().Moment(ctx)
	if err != nil {
		return now, fmt.Errorf("ask the database for the time: %w", err)
	}
	return now, nil
}

// Count takes a reading of a switch's counters that began at a Moment. What a
// port counted since the reading before goes to the device that it carried
// since; from now on it counts for the device that it carries now. A reading
// that began before the last one ended is dropped, so a repeat adds nothing.
func (s *Store) Count(ctx context.Context, id metal.SwitchID, began time.Time, counters []metal.Counter) error {
	counters = slices.SortedFunc(slices.Values(counters), func(a, b metal.Counter) int { return cmp.Compare(a.Port, b.Port) })
	err := s.retried(ctx, func(q *query.Queries) error {
		rows, err := q.CarriedBy(ctx, string(id))
		if err != nil {
			return err
		}
		carries := map[string]string{}
		for _, r := range rows {
			carries[r.Name] = r.Device
		}
		for _, c := range counters {
			device, ours := carries[c.Port]
			if !ours {
				continue
			}
			if err := count(ctx, q, id, began, c, device); err != nil {
				return fmt.Errorf("port %s: %w", c.Port, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("switch %s: keep its counters: %w", id, err)
	}
	return nil
}

func count(ctx context.Context, q *query.Queries, id metal.SwitchID, began time.Time, c metal.Counter, device string) error {
	last, err := q.LockCounter(ctx, query.LockCounterParams{Switch: string(id), Port: c.Port})
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	first := errors.Is(err, pgx.ErrNoRows)
	moved, err := q.SetCounter(ctx, query.SetCounterParams{
		Switch: string(id), Port: c.Port, Octets: strconv.FormatUint(c.Octets, 10), Device: device, Began: began,
	})
	if err != nil || moved == 0 || first || last.Device == "" {
		return err
	}
	sent, err := since(last.Octets, c.Octets)
	if err != nil || sent == 0 {
		return err
	}
	return q.AddTraffic(ctx, query.AddTrafficParams{Device: last.Device, Octets: strconv.FormatUint(sent, 10)})
}

// since is what was counted between two readings. A counter that shows less
// than before was set to zero in between, by a reboot or a person: what it
// shows is what there is to know.
func since(last string, now uint64) (uint64, error) {
	before, err := strconv.ParseUint(last, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the last reading: %w", err)
	}
	if now < before {
		return now, nil
	}
	return now - before, nil
}
