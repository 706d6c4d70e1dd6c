package main

import (
	"context"
	"net/http"
	"strings"

	"millwright/internal/metal"
	"millwright/internal/temporal"
)

// metalRuns is Temporal as the API asks it: each start is given a moment, since
// what it is for stands in the database.
type metalRuns struct{ temporal.Runs }

func (r metalRuns) StartOrder(ctx context.Context, order metal.OrderID, input []byte) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	return r.Runs.StartOrder(ctx, order, input)
}

func (r metalRuns) BringDevice(ctx context.Context, device metal.DeviceID) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	return r.Runs.BringDevice(ctx, device)
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
