package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"millwright/internal/bmc"
	"millwright/internal/console"
	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// consoles keeps the serial consoles of this worker's sites.
type consoles struct {
	store   *postgres.Store
	log     *slog.Logger
	name    string
	keepers map[metal.SiteID]*console.Keeper

	kept *prometheus.GaugeVec
	read *prometheus.CounterVec
	lost *prometheus.CounterVec
}

func newConsoles(store *postgres.Store, registry prometheus.Registerer, log *slog.Logger) *consoles {
	c := &consoles{
		store: store, log: log, name: keeperName(), keepers: map[metal.SiteID]*console.Keeper{},
		kept: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "millwright_consoles", Help: "Serial consoles that this worker keeps.",
		}, []string{"site"}),
		read: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "millwright_console_bytes_total", Help: "Bytes that machines printed on their serial consoles.",
		}, []string{"site"}),
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "millwright_console_interruptions_total", Help: "Times a serial console ended or did not open; it is opened again.",
		}, []string{"site"}),
	}
	registry.MustRegister(c.kept, c.read, c.lost)
	return c
}

// keeperName is this process's own: one that comes after it is another keeper,
// even under the same process ID.
func keeperName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), uuid.NewString()[:8])
}

// add keeps a site's consoles with the driver that commands its BMCs: the two
// make room for each other.
func (c *consoles) add(site metal.SiteID, bmcs *bmc.Driver) {
	c.kept.WithLabelValues(string(site)).Set(0)
	keeper := &console.Keeper{
		Site: site, Name: c.name, Leases: c.store, Records: c.store, Log: c.log,
		Open: func(ctx context.Context, b metal.BMC) (io.ReadWriteCloser, error) {
			opened, err := bmcs.Console(ctx, b)
			if err != nil {
				return nil, err // and no console that is not nil and yet none
			}
			return opened, nil
		},
		Metrics: &console.Metrics{
			Kept: func(change int) { c.kept.WithLabelValues(string(site)).Add(float64(change)) },
			Read: func(bytes int) { c.read.WithLabelValues(string(site)).Add(float64(bytes)) },
			Lost: func() { c.lost.WithLabelValues(string(site)).Inc() },
		},
	}
	c.keepers[site] = keeper
	bmcs.Yield = func(ctx context.Context, b metal.BMC) (func(), error) { return keeper.Yield(ctx, b.Machine) }
}

// start keeps them, and lets tenants in, until stop is called, which returns
// once they are closed.
func (c *consoles) start(ctx context.Context, cfg Config) (stop func(), err error) {
	serve, err := c.door(ctx, cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for _, k := range c.keepers {
		running.Go(func() { k.Run(ctx) })
	}
	if serve != nil {
		running.Go(func() {
			if err := serve(ctx); err != nil {
				c.log.ErrorContext(ctx, "tenants cannot come to their consoles any more; restart this worker", "error", err)
			}
		})
	}
	return func() { cancel(); running.Wait() }, nil
}
