package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// OrderDevices orders devices, all or none, each at a site where a machine is
// free for it. Whoever called starts the runs of the orders that it returns.
func (s *Store) OrderDevices(ctx context.Context, request metal.Request, all metal.DeviceWishes) (orders []metal.GivenOrder, err error) {
	err = s.change(ctx, request, func(q *query.Queries) (string, error) {
		orders = nil
		for _, b := range all.Batches {
			if err := q.InsertBatch(ctx, query.InsertBatchParams{ID: b.ID, Project: string(all.Project), Quantity: int32(b.Quantity)}); err != nil {
				return "", err
			}
		}
		free := newStock(q)
		if err := free.lock(ctx, all.Devices); err != nil {
			return "", err
		}
		sites := map[string]map[metal.SiteID]bool{}
		for _, wish := range all.Devices {
			order, err := s.orderDevice(ctx, q, free, all, wish)
			if err != nil {
				return "", err
			}
			if sites[wish.Batch] == nil {
				sites[wish.Batch] = map[metal.SiteID]bool{}
			}
			sites[wish.Batch][order.Wish.Site] = true
			orders = append(orders, metal.GivenOrder{ID: order.ID, Input: order.Input})
		}
		return pathOf(all), spreads(all.Batches, sites)
	})
	return orders, err
}

// pathOf is where to look for what was ordered.
func pathOf(all metal.DeviceWishes) string {
	if len(all.Batches) == 0 {
		return "/devices/" + string(all.Devices[0].Order.Device)
	}
	var ids []string
	for _, b := range all.Batches {
		ids = append(ids, b.ID)
	}
	return "/projects/" + string(all.Project) + "/batches?ids=" + strings.Join(ids, ",")
}

// spreads refuses a batch that stands at fewer sites than was asked.
func spreads(batches []metal.Batch, sites map[string]map[metal.SiteID]bool) error {
	for _, b := range batches {
		if got := len(sites[b.ID]); got < min(b.Spread, b.Quantity) {
			return fmt.Errorf("facility_diversity_level: machines are free at %d sites only, of %d that were asked for: %w", got, b.Spread, metal.ErrNoMachine)
		}
	}
	return nil
}

// orderDevice writes one device, its order, and what the order does not say.
func (s *Store) orderDevice(ctx context.Context, q *query.Queries, free *stock, all metal.DeviceWishes, wish metal.DeviceWish) (metal.Order, error) {
	reserved, site, err := siteFor(ctx, q, free, all.Project, wish)
	if err != nil {
		return metal.Order{}, err
	}
	wish.Order.Site = site
	if len(wish.UserData) > 0 {
		if wish.Order.UserData, err = q.InsertUserData(ctx, wish.UserData); err != nil {
			return metal.Order{}, fmt.Errorf("store user data: %w", err)
		}
	}
	input, err := json.Marshal(wish.Order)
	if err != nil {
		return metal.Order{}, err
	}
	order, err := metal.ParseOrder(metal.OrderID("provision-"+string(wish.Order.Device)), input)
	if err != nil {
		return order, err
	}
	var fresh bool
	if _, err := s.place(ctx, q, order, &fresh); err != nil {
		return order, err
	}
	return order, q.DescribeDevice(ctx, query.DescribeDeviceParams{
		ID: string(order.Device), Description: wish.Description, BillingCycle: wish.BillingCycle, Locked: wish.Locked, NetworkFrozen: wish.Frozen,
		TerminateAt: unless(wish.TerminateAt), CreatedBy: string(all.Creator), SshKeyIds: notNil(wish.KeyIDs),
		HardwareReservation: reserved, Batch: wish.Batch, Links: wish.Links,
	})
}

// siteFor is where a device goes: to a machine that is free, or to one that is
// kept for its project.
func siteFor(ctx context.Context, q *query.Queries, free *stock, project metal.ProjectID, wish metal.DeviceWish) (reservation string, site metal.SiteID, err error) {
	if wish.Reservation == "" {
		site, err = free.take(ctx, wish)
		return "", site, err
	}
	found, site, err := chooseReservation(ctx, q, hardwareWish{
		Project: project, Plan: wish.Order.Plan, Sites: wish.Sites, Which: wish.Reservation,
	})
	return string(found), site, err
}

// unless is null for a moment that never comes.
func unless(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
