package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"millwright/internal/metal"
)

// newLoad makes the tenants of a seed, each with an elastic address of its own.
func newLoad(ctx context.Context, w *world, seed uint64, tenants int, over context.Context) (*load, error) {
	l := &load{w: w, book: newBook(), over: over}
	for i := range tenants {
		t := &tenant{load: l, number: i, next: rounds(seed, i)}
		var err error
		t.elastic, err = w.Store.Reserve(ctx, metal.ReservationWish{
			ID: reservationID(i), Project: t.project(), Site: site, Family: 4, Bits: 32,
		})
		if err != nil {
			return nil, fmt.Errorf("reserve an address for tenant %d: %w", i, err)
		}
		l.tenants = append(l.tenants, t)
	}
	return l, nil
}

func reservationID(tenant int) metal.ReservationID {
	h := sha256.Sum256(fmt.Appendf(nil, "chaos tenant %d", tenant))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // a UUID of version 8
	return metal.ReservationID(fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16]))
}

// live lets all tenants live, and returns when the last one has its outcome.
func (l *load) live(ctx context.Context) error {
	var all sync.WaitGroup
	errs := make([]error, len(l.tenants))
	for i, t := range l.tenants {
		all.Go(func() { errs[i] = t.live(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// sweep takes every device apart that there is.
func (l *load) sweep(ctx context.Context) error {
	rows, err := l.w.data.Query(ctx, `select id from devices where state <> 'deleted' order by id`)
	if err != nil {
		return err
	}
	var devices []metal.DeviceID
	for rows.Next() {
		var id metal.DeviceID
		if err := rows.Scan(&id); err != nil {
			return err
		}
		devices = append(devices, id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i, device := range devices {
		in := metal.OrderInput{Action: metal.ActionDeprovision, Device: device}
		if _, err := l.tenants[i%len(l.tenants)].order(ctx, metal.OrderID("deprovision:sweep-"+string(device)), in, how{api: i%2 == 0}); err != nil {
			return err
		}
	}
	return nil
}
