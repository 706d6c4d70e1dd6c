package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// stock is how many machines of plans are free where, for devices that are
// ordered in one transaction. What it gives away nobody else can, until that
// transaction ends.
type stock struct {
	q     *query.Queries
	free  map[metal.PlanID][]query.RoomAtRow
	taken map[metal.PlanID]map[metal.SiteID]int // by this transaction
}

func newStock(q *query.Queries) *stock {
	return &stock{q: q, free: map[metal.PlanID][]query.RoomAtRow{}, taken: map[metal.PlanID]map[metal.SiteID]int{}}
}

// lock keeps others from the plans at the sites that are asked for. All is
// locked in one order, so that two orders of several devices do not wait for
// each other.
func (k *stock) lock(ctx context.Context, wishes []metal.DeviceWish) error {
	var all []query.LockRoomParams
	for _, w := range wishes {
		for _, site := range w.Sites {
			all = append(all, query.LockRoomParams{Site: string(site), Plan: string(w.Order.Plan)})
		}
	}
	slices.SortFunc(all, func(a, b query.LockRoomParams) int {
		return cmp.Or(strings.Compare(a.Site, b.Site), strings.Compare(a.Plan, b.Plan))
	})
	for _, one := range slices.Compact(all) {
		if err := k.q.LockRoom(ctx, one); err != nil {
			return fmt.Errorf("take turns at %s for machines of plan %s: %w", one.Site, one.Plan, err)
		}
	}
	return nil
}

// take picks the site for a device: of those where a machine is free, the one
// with fewest of this order's devices, then the one with most machines left.
func (k *stock) take(ctx context.Context, w metal.DeviceWish) (metal.SiteID, error) {
	plan := w.Order.Plan
	if k.free[plan] == nil {
		rows, err := k.q.RoomAt(ctx, string(plan))
		if err != nil {
			return "", fmt.Errorf("count the free machines of plan %s: %w", plan, err)
		}
		k.free[plan], k.taken[plan] = rows, map[metal.SiteID]int{}
	}
	best := -1
	for i, row := range k.free[plan] {
		if row.Free > 0 && slices.Contains(w.Sites, metal.SiteID(row.Site)) && (best < 0 || k.better(plan, row, k.free[plan][best])) {
			best = i
		}
	}
	if best < 0 {
		return "", k.noCapacity(w)
	}
	site := metal.SiteID(k.free[plan][best].Site)
	k.free[plan][best].Free--
	k.taken[plan][site]++
	return site, nil
}

func (k *stock) better(plan metal.PlanID, a, b query.RoomAtRow) bool {
	ours := k.taken[plan]
	return cmp.Or(cmp.Compare(ours[metal.SiteID(a.Site)], ours[metal.SiteID(b.Site)]), cmp.Compare(b.Free, a.Free)) < 0
}

// noCapacity says what is free elsewhere.
func (k *stock) noCapacity(w metal.DeviceWish) error {
	var elsewhere []string
	for _, row := range k.free[w.Order.Plan] {
		if row.Free > 0 {
			elsewhere = append(elsewhere, fmt.Sprintf("%d at %s in metro %s", row.Free, row.Site, row.Metro))
		}
	}
	hint := "none is free anywhere; order another plan, or try again later"
	if len(elsewhere) > 0 {
		hint = "free are " + strings.Join(elsewhere, ", ")
	}
	return fmt.Errorf("plan: no machine of plan %s is free at %s; %s: %w",
		w.Order.Plan, strings.Join(words(w.Sites), ", "), hint, metal.ErrNoMachine)
}
