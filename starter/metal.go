package main

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"millwright/internal/metal"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// metalRuns is Temporal as the API asks it: each start is given a moment, since
// what it is for stands in the database.
type metalRuns struct{ temporal.Runs }

func (r metalRuns) StartOrder(ctx context.Context, order metal.OrderID, input []byte) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	return r.Runs.StartOrder(ctx, order, input)
}

func (r metalRuns) MoveAddress(ctx context.Context, reservation string, prefix netip.Prefix, to metal.DeviceID) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	_, err := r.StartAddress(ctx, workflows.AddressInput{Reservation: reservation, Prefix: prefix, Device: to})
	return err
}

func (r metalRuns) SwitchSession(ctx context.Context, device metal.DeviceID, family int, on bool) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	_, err := r.StartSession(ctx, workflows.SessionInput{Device: device, Family: family, On: on})
	return err
}

// detached lets a start go on when whoever asked hangs up.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), startTries)
}

// beside serves the customers' API below its base, and the rest as before.
func beside(customers, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(strings.TrimLeft(r.URL.Path, "/"), "metal/") {
			customers.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}
