package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"millwright/internal/bmc"
	"millwright/internal/metal"
)

// bmcMetrics count what is said to BMCs. No label names one: what is known of
// each stands in Postgres, and starter counts it there.
type bmcMetrics struct {
	conversations *prometheus.CounterVec
	seconds       *prometheus.HistogramVec
	commands      *prometheus.CounterVec
}

func newBMCMetrics(registry prometheus.Registerer) *bmcMetrics {
	m := &bmcMetrics{
		conversations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "millwright_bmc_conversations_total",
			Help: "Conversations with BMCs by how they ended: ok; weather, which is tried again; refused; resting, which was not held; void, which says nothing of the BMC.",
		}, []string{"site", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "millwright_bmc_conversation_duration_seconds", Buckets: buckets,
			Help: "Time that a conversation with a BMC took, once it was its turn.",
		}, []string{"site"}),
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "millwright_bmc_commands_total", Help: "Commands sent to BMCs: HTTP requests, and runs of ipmitool.",
		}, []string{"site"}),
	}
	registry.MustRegister(m.conversations, m.seconds, m.commands)
	return m
}

// watch counts what this driver says at a site. Each outcome is exported before
// its first time: increase() of a series that has one sample is nothing.
func (m *bmcMetrics) watch(site metal.SiteID, d *bmc.Driver) *bmc.Driver {
	for _, outcome := range bmc.Outcomes {
		m.conversations.WithLabelValues(string(site), outcome)
	}
	seconds, commands := m.seconds.WithLabelValues(string(site)), m.commands.WithLabelValues(string(site))
	d.Sent = func(metal.BMC, time.Time) { commands.Inc() }
	d.Observe = func(_ metal.BMC, _, outcome string, took time.Duration) {
		m.conversations.WithLabelValues(string(site), outcome).Inc()
		if outcome != bmc.OutcomeResting {
			seconds.Observe(took.Seconds())
		}
	}
	return d
}
