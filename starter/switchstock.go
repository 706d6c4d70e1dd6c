package main

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"millwright/internal/postgres/query"
)

var (
	portsDesc       = describe("millwright_switch_ports", "Ports by how they stand; each counts once.", "site", "switch", "state")
	miscablingsDesc = describe("millwright_switch_miscablings", "Machines that a switch hears on another port than the site file says.", "site", "switch")
	checkAgeDesc    = describe("millwright_switch_check_age_seconds", "Time since a switch was last compared with what it should be; infinite before the first time.", "site", "switch")
	commitsDesc     = describe("millwright_switch_commits_total", "Commits to a switch that changed something or were refused.", "site", "switch")
	sessionsDesc    = describe("millwright_bgp_sessions", "BGP sessions that are on, by the state in which the last check saw them.", "site", "switch", "state")
)

const (
	unseen = "unseen"      // a session that no check has seen
	up     = "Established" // RFC 4271, section 8.2.2
)

// countSwitches counts how switches stand. Each state of a port is exported
// also where none is in it, so that a rule tells none from not counted.
func countSwitches(ctx context.Context, q *query.Queries) (all []prometheus.Metric, err error) {
	switches, err := q.CountPorts(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range switches {
		for state, n := range map[string]int64{"intended": w.Intended, "pending": w.Pending, "refused": w.Refused, "drifting": w.Drifting} {
			all = append(all, gauge(portsDesc, float64(n), w.Site, w.Switch, state))
		}
		all = append(all,
			gauge(miscablingsDesc, float64(w.Miscablings), w.Site, w.Switch),
			prometheus.MustNewConstMetric(commitsDesc, prometheus.CounterValue, float64(w.Commits), w.Site, w.Switch))
		if w.Intended+w.Pending+w.Refused+w.Drifting > 0 { // one without ports of ours is not compared
			all = append(all, gauge(checkAgeDesc, age(w.CheckedAt), w.Site, w.Switch))
		}
	}
	sessions, err := countSessions(ctx, q, switches)
	return append(all, sessions...), err
}

func age(at *time.Time) float64 {
	if at == nil {
		return math.Inf(1)
	}
	return time.Since(*at).Seconds()
}

func countSessions(ctx context.Context, q *query.Queries, switches []query.CountPortsRow) (all []prometheus.Metric, err error) {
	type key struct{ site, switchID, state string }
	counts := map[key]int64{}
	for _, w := range switches {
		counts[key{w.Site, w.Switch, up}] = 0
	}
	sessions, err := q.CountSessions(ctx)
	for _, s := range sessions {
		if s.State == "" {
			s.State = unseen
		}
		counts[key{s.Site, s.Switch, s.State}] += s.Count
	}
	for k, n := range counts {
		all = append(all, gauge(sessionsDesc, float64(n), k.site, k.switchID, k.state))
	}
	return all, err
}
