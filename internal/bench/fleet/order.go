package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/internal/temporal"
)

// clients is how many orders are being given at a time: as many as a busy
// billing system would have open.
const clients = 32

// order gives all orders: as one Fleet, or each by itself.
func (m *measuring) order(ctx context.Context) error {
	m.began = time.Now()
	if m.atOnce == 0 {
		return m.each(ctx)
	}
	device := rig.Provision()
	device.Action, device.Site = "", ""
	input, err := json.Marshal(metal.FleetInput{
		Device: device, Sites: []metal.SiteID{rig.Site}, Quantity: m.n, AtOnce: m.atOnce, Within: metal.Wait(m.patient),
	})
	if err != nil {
		return err
	}
	return temporal.Runs{Client: m.Client}.StartFleet(ctx, "bench", input)
}

// asked is when an order was given; those of a Fleet with the Fleet.
func (m *measuring) asked(id metal.OrderID) time.Time {
	if at, ok := m.ordered[id]; ok {
		return at
	}
	return m.began
}

// each gives an order for each device, as fast as clients can or at the rate.
func (m *measuring) each(ctx context.Context) error {
	var mu sync.Mutex
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(clients)
	for i := range m.n {
		if m.rate > 0 {
			select {
			case <-time.After(time.Until(began.Add(time.Duration(float64(i) / m.rate * float64(time.Second))))):
			case <-ctx.Done():
			}
		}
		group.Go(func() error {
			id := metal.OrderID(fmt.Sprintf("fleet-%d", i))
			mu.Lock()
			m.ordered[id] = time.Now()
			mu.Unlock()
			return m.Order(ctx, id, rig.Provision())
		})
	}
	err := group.Wait()
	fmt.Fprintf(m.out, "%d orders given in %.1f s\n", m.n, time.Since(began).Seconds())
	return err
}

// await asks for the number of outcomes until there are all: one question a
// second costs nobody anything.
func (m *measuring) await(ctx context.Context) error {
	for began := time.Now(); ; {
		var over int
		if err := m.db.QueryRow(ctx, `select count(*) from orders where ended_at is not null`).Scan(&over); err != nil {
			return err
		}
		if over >= m.n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("await %d orders: %d are over after %.0f s: %w", m.n, over, time.Since(began).Seconds(), ctx.Err())
		case <-time.After(time.Second):
		}
	}
}

// outcome is how one order went.
type outcome struct {
	order   metal.OrderID
	device  metal.DeviceID
	took    time.Duration // from the client's call to active, by one clock
	added   time.Duration // what the machine itself did not take
	ended   time.Time
	failure string
}

// outcomes reads how all orders went. Both clocks are this machine's.
func (m *measuring) outcomes(ctx context.Context) ([]outcome, error) {
	own := map[string]time.Duration{}
	for _, machine := range m.Lab.Machines() {
		own[string(machine.ID)] = machine.InPOST
	}
	rows, err := m.db.Query(ctx, `select o.id, o.device, o.state, o.outcome, o.ended_at, coalesce(h.id, '')
		from orders o left join machines h on h.device = o.device`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []outcome
	for rows.Next() {
		var one outcome
		var state, said, machine string
		if err := rows.Scan(&one.order, &one.device, &state, &said, &one.ended, &machine); err != nil {
			return nil, err
		}
		one.took = one.ended.Sub(m.asked(one.order))
		one.added = one.took - own[machine]
		if state != "done" {
			one.failure = said
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// times prints how long the orders took, and begins the result.
func (m *measuring) times(runs []outcome) result {
	var took, added []time.Duration
	told := result{N: m.n}
	first, last := time.Now(), time.Time{}
	for _, r := range runs {
		if asked := m.asked(r.order); asked.Before(first) {
			first = asked
		}
		if r.ended.After(last) {
			last = r.ended
		}
		if r.failure != "" {
			told.Failed++
			fmt.Fprintf(m.out, "order %s failed: %s\n", r.order, r.failure)
			continue
		}
		took, added = append(took, r.took), append(added, r.added)
	}
	told.Total = last.Sub(first).Seconds()
	told.P50, told.P95, told.P99 = quantile(took, 0.50), quantile(took, 0.95), quantile(took, 0.99)
	fmt.Fprintf(m.out, "%-34s %8s %8s %8s %8s\n", "seconds", "p50", "p95", "p99", "most")
	for _, line := range []struct {
		what string
		all  []time.Duration
	}{{"order to active", took}, {"of it, added to the machine's own", added}} {
		fmt.Fprintf(m.out, "%-34s %8.2f %8.2f %8.2f %8.2f\n", line.what,
			quantile(line.all, 0.5), quantile(line.all, 0.95), quantile(line.all, 0.99), quantile(line.all, 1))
	}
	fmt.Fprintf(m.out, "first order to last outcome: %.1f s; %.1f devices per second\n", told.Total, float64(len(took))/told.Total)
	fmt.Fprintf(m.out, "limits: 1,000 at once in %d s; added at p95 with a POST of 60 to 180 s: %d s for 200 at once or 1,000 at 4 per second, %d s for 1,000 at once\n",
		mostSeconds, mostAdded, mostAddedThousand)
	return told
}

// quantile of some durations, in seconds: the smallest that so large a part of
// them does not exceed.
func quantile(all []time.Duration, part float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	at := int(part*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(at, 0), len(sorted)-1)].Seconds()
}
