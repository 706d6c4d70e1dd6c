package main

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what a site's boot service is watched by. No label's values are
// chosen by a machine: a stranger must not be able to fill a database.
type metrics struct {
	registry    *prometheus.Registry
	dhcp        *prometheus.CounterVec
	foreign     prometheus.Counter
	scripts     *prometheus.CounterVec
	reports     *prometheus.CounterVec
	unsignalled prometheus.Gauge
	events      *prometheus.CounterVec
	http        *prometheus.HistogramVec
}

func newMetrics(age func() time.Duration) *metrics {
	m := &metrics{
		registry:    prometheus.NewRegistry(),
		dhcp:        counter("millwright_dhcp_requests_total", "DHCP requests by what became of them.", "type", "client", "outcome"),
		foreign:     prometheus.NewCounter(prometheus.CounterOpts{Name: "millwright_dhcp_foreign_macs_total", Help: "Requests at a known port with a MAC that is not its machine's: a swapped NIC, or mis-cabling."}),
		scripts:     counter("millwright_boot_scripts_total", "Boot scripts handed out.", "kind"),
		reports:     counter("millwright_boot_reports_total", "Reports of machines by what became of them.", "kind", "outcome"),
		unsignalled: prometheus.NewGauge(prometheus.GaugeOpts{Name: "millwright_boot_unsignalled_reports", Help: "Recorded reports that their runs have not heard of."}),
		events:      counter("millwright_boot_user_states_total", "States that installed systems posted.", "state"),
		http: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "millwright_boot_http_request_duration_seconds", Help: "HTTP requests of machines; a held question counts as long as it was held.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2, 10, 30, 120},
		}, []string{"route", "code"}),
	}
	m.registry.MustRegister(m.dhcp, m.foreign, m.scripts, m.reports, m.unsignalled, m.events, m.http,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "millwright_boot_view_age_seconds", Help: "Time since memory last agreed with Postgres.",
		}, func() float64 { return age().Seconds() }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// admin serves operators, on a socket that machines cannot reach.
func (s *service) admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", s.healthz)
	return mux
}

// healthz is well as soon as memory was filled once. Postgres or Temporal away
// is no reason to restart a service whose worth is to go on without them.
func (s *service) healthz(w http.ResponseWriter, _ *http.Request) {
	if !s.view.loaded() {
		http.Error(w, "the site's machines were not read yet", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}
