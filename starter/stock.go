package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
)

const (
	// fresh is how long a count is good for: two Prometheus servers, and a
	// person with curl, cost one query each.
	fresh = 5 * time.Second
	// countLimit is below any scrape's own timeout (10 s by default).
	countLimit = 5 * time.Second
)

var (
	machinesDesc = describe("millwright_machines", "Machines by who may use them.", "site", "plan", "state")
	devicesDesc  = describe("millwright_devices", "Devices by where they are in their life.", "site", "plan", "state")
	ordersDesc   = describe("millwright_orders", "Orders by how they stand.", "action", "state")
	keptDesc     = describe("millwright_retention_age_seconds", "Since everything that is older than it is kept was last forgotten.")
	upDesc       = describe("millwright_postgres_up", "Whether Postgres answered the last count; 0 leaves the other counts out.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// stock counts what there is when Prometheus asks, from Postgres: a counter of
// our own would be wrong after each restart, and in each second starter.
type stock struct {
	store *postgres.Store
	log   *slog.Logger

	mu      sync.Mutex
	counted time.Time
	last    []prometheus.Metric
}

// Describe names every metric beforehand, so that a clash shows at the start.
func (s *stock) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{machinesDesc, devicesDesc, ordersDesc, keptDesc, upDesc,
		portsDesc, miscablingsDesc, checkAgeDesc, commitsDesc, sessionsDesc} {
		to <- d
	}
}

// Collect counts, or repeats a count of a moment ago.
func (s *stock) Collect(to chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.counted) > fresh {
		ctx, cancel := context.WithTimeout(context.Background(), countLimit)
		defer cancel()
		all, err := count(ctx, s.store.Queries())
		up := 1.0
		if err != nil { // old numbers would look like news
			s.log.Warn("count for metrics", "error", err)
			all, up = nil, 0
		}
		s.last, s.counted = append(all, gauge(upDesc, up)), time.Now()
	}
	for _, m := range s.last {
		to <- m
	}
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func count(ctx context.Context, q *query.Queries) (all []prometheus.Metric, err error) {
	machines, err := q.CountMachines(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range machines {
		all = append(all, gauge(machinesDesc, float64(m.Count), m.Site, m.Plan, m.State))
	}
	devices, err := q.CountDevices(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		all = append(all, gauge(devicesDesc, float64(d.Count), d.Site, d.Plan, d.State))
	}
	orders, err := q.CountOrders(ctx)
	for _, o := range orders {
		all = append(all, gauge(ordersDesc, float64(o.Count), o.Action, o.State))
	}
	if err != nil {
		return nil, err
	}
	forgotten, err := q.RetentionDone(ctx)
	if err != nil {
		return nil, err
	}
	all = append(all, gauge(keptDesc, time.Since(forgotten).Seconds()))
	switches, err := countSwitches(ctx, q)
	return append(all, switches...), err
}
