package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

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
	err := s.retried(ctx, func(q *query.Queries) error {
		rows, err := q.CarriedBy(ctx, string(id))
		if err != nil {
			return err
		}
		carries := map[string]string{}
		for _, r := range rows {
			carries[r.Name] = r.Device
		}
		return count(ctx, q, id, began, slices.DeleteFunc(slices.Clone(counters), func(c metal.Counter) bool {
			_, ours := carries[c.Port]
			return !ours
		}), carries)
	})
	if err != nil {
		return fmt.Errorf("switch %s: keep its counters: %w", id, err)
	}
	return nil
}

// count writes what has changed since the last reading, in as many statements
// for a switch as for a port. A port that shows what it showed before is left
// as it is: a reading from in between could say nothing else.
func count(ctx context.Context, q *query.Queries, id metal.SwitchID, began time.Time, counters []metal.Counter, carries map[string]string) error {
	last, err := lastCounters(ctx, q, id)
	if err != nil {
		return err
	}
	set := query.SetCountersParams{Switch: string(id), Began: began}
	sent := map[string]uint64{} // by port
	for _, c := range counters {
		octets := strconv.FormatUint(c.Octets, 10)
		before, known := last[c.Port]
		if known && before.Octets == octets && before.Device == carries[c.Port] {
			continue
		}
		if known {
			if sent[c.Port], err = since(before.Octets, c.Octets); err != nil {
				return fmt.Errorf("port %s: %w", c.Port, err)
			}
		}
		set.Ports, set.Octets, set.Devices = append(set.Ports, c.Port), append(set.Octets, octets), append(set.Devices, carries[c.Port])
	}
	if len(set.Ports) == 0 {
		return nil
	}
	taken, err := q.SetCounters(ctx, set)
	if err != nil {
		return err
	}
	add := map[string]uint64{} // by device
	for _, port := range taken {
		if device := last[port].Device; device != "" && sent[port] > 0 {
			add[device] += sent[port]
		}
	}
	return addTraffic(ctx, q, add)
}

func lastCounters(ctx context.Context, q *query.Queries, id metal.SwitchID) (map[string]query.LockCountersRow, error) {
	rows, err := q.LockCounters(ctx, string(id))
	last := map[string]query.LockCountersRow{}
	for _, r := range rows {
		last[r.Port] = r
	}
	return last, err
}

func addTraffic(ctx context.Context, q *query.Queries, add map[string]uint64) error {
	var sums query.AddTrafficParams
	for device, sent := range add {
		sums.Devices, sums.Octets = append(sums.Devices, device), append(sums.Octets, strconv.FormatUint(sent, 10))
	}
	if len(add) == 0 {
		return nil
	}
	return q.AddTraffic(ctx, sums)
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
