package main

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"millwright/internal/postgres"
)

// fleetFresh is how long a count of the fleet is good for: a patrol comes by
// every few minutes, and the sensors of 2,000 machines are some 50,000.
const fleetFresh = 30 * time.Second

var (
	healthDesc     = describe("millwright_machine_health", "Machines by what their issues come to, and by who may use them; without those that are retired.", "site", "plan", "state", "health")
	issuesDesc     = describe("millwright_machine_issues", "Issues of machines that are open.", "site", "plan", "kind", "severity")
	firmwareDesc   = describe("millwright_firmware_behind", "Machines with a component that is not at its plan's baseline.", "site", "plan", "component")
	sparesDesc     = describe("millwright_spares", "Idle machines that are well and kept for nobody.", "site", "plan")
	sparesWantDesc = describe("millwright_spares_wanted", "Spares that the plan says there should be, at least.", "site", "plan")
	warmDesc       = describe("millwright_warm_machines", "Idle machines that wait for an order in the agent.", "site", "plan")
	warmWantDesc   = describe("millwright_warm_wanted", "Machines that the plan says should wait in the agent.", "site", "plan")
	rackWattsDesc  = describe("millwright_rack_watts", "Consumption of a rack's machines; one whose BMC is silent counts with what was read last.", "site", "rack")
	budgetDesc     = describe("millwright_site_watts_budget", "What a site's machines may draw; no series where there is no limit.", "site")
	scoreDesc      = describe("millwright_bmc_score", "Share of conversations with a BMC that failed, of late; no series below 0.005.", "site", "machine")
	restingDesc    = describe("millwright_bmc_resting", "1 while nobody asks a BMC, because it failed too often; no series otherwise.", "site", "machine")
	patrolDesc     = describe("millwright_patrol_age_seconds", "Time since a patrol was at the machine that waits the longest; infinite before the first time.", "site")
	waitingDesc    = describe("millwright_line_waiting", "Devices that wait for a machine.", "site", "plan")
	longWaitDesc   = describe("millwright_line_longest_seconds", "How long the device has waited that waits the longest; 0 where none does.", "site", "plan")
	expectedDesc   = describe("millwright_line_expected_seconds", "Until the turn of who is last; NaN where nobody can say.", "site", "plan")
	fleetDescs     = []*prometheus.Desc{healthDesc, issuesDesc, firmwareDesc, sparesDesc, sparesWantDesc, warmDesc, warmWantDesc, rackWattsDesc, budgetDesc, scoreDesc, restingDesc, patrolDesc,
		waitingDesc, longWaitDesc, expectedDesc}
)

// newFleet counts machines by what they are worth: health, spares, power.
func newFleet(store *postgres.Store, log *slog.Logger) *tally {
	return &tally{
		what: "the fleet", fresh: fleetFresh, log: log, descs: fleetDescs,
		count: func(ctx context.Context) (all []prometheus.Metric, err error) {
			for _, count := range []func(context.Context, *postgres.Store) ([]prometheus.Metric, error){
				countHealth, countIssues, countFirmware, countSpares, countPower, countBMCs, countPatrols, countLines,
			} {
				counted, err := count(ctx, store)
				if err != nil {
					return nil, err
				}
				all = append(all, counted...)
			}
			return all, nil
		},
	}
}

func countHealth(ctx context.Context, store *postgres.Store) (all []prometheus.Metric, err error) {
	rows, err := store.Queries().CountHealth(ctx)
	for _, r := range rows {
		all = append(all, gauge(healthDesc, float64(r.Count), r.Site, r.Plan, r.State, r.Health))
	}
	return all, err
}

func countIssues(ctx context.Context, store *postgres.Store) (all []prometheus.Metric, err error) {
	rows, err := store.Queries().CountIssues(ctx)
	for _, r := range rows {
		all = append(all, gauge(issuesDesc, float64(r.Count), r.Site, r.Plan, r.Kind, r.Severity))
	}
	return all, err
}

func countFirmware(ctx context.Context, store *postgres.Store) (all []prometheus.Metric, err error) {
	rows, err := store.Queries().CountOldFirmware(ctx)
	for _, r := range rows {
		all = append(all, gauge(firmwareDesc, float64(r.Count), r.Site, r.Plan, r.Component))
	}
	return all, err
}

func countSpares(ctx context.Context, store *postgres.Store) (all []prometheus.Metric, err error) {
	rows, err := store.CountSpares(ctx)
	for _, r := range rows {
		all = append(all,
			gauge(sparesDesc, float64(r.Spares), r.Site, r.Plan), gauge(sparesWantDesc, float64(r.SparesWanted), r.Site, r.Plan),
			gauge(warmDesc, float64(r.Warm), r.Site, r.Plan), gauge(warmWantDesc, float64(r.WarmWanted), r.Site, r.Plan))
	}
	return all, err
}

func countPower(ctx context.Context, store *postgres.Store) (all []prometheus.Metric, err error) {
	racks, err := store.Queries().SumWatts(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range racks {
		all = append(all, gauge(rackWattsDesc, r.Watts, r.Site, r.Rack))
	}
	sites, err := store.Queries().PowerBudgets(ctx)
	for _, s := range sites {
		all = append(all, gauge(budgetDesc, float64(s.Watts), s.Site))
	}
	return all, err
}

func countBMCs(ctx context.Context, store *postgres.Store) (all []prometheus.Metric, err error) {
	rows, err := store.Queries().StrainedBMCs(ctx)
	for _, r := range rows {
		all = append(all, gauge(scoreDesc, r.Score, r.Site, r.Machine))
		if r.Rests {
			all = append(all, gauge(restingDesc, 1, r.Site, r.Machine))
		}
	}
	return all, err
}

func countPatrols(ctx context.Context, store *postgres.Store) (all []prometheus.Metric, err error) {
	rows, err := store.Queries().PatrolAges(ctx)
	for _, r := range rows {
		if r.Never {
			r.Seconds = math.Inf(1)
		}
		all = append(all, gauge(patrolDesc, r.Seconds, r.Site))
	}
	return all, err
}

func countLines(ctx context.Context, store *postgres.Store) (all []prometheus.Metric, err error) {
	lines, err := store.Lines(ctx)
	for _, l := range lines {
		site, plan := string(l.Site), string(l.Plan)
		all = append(all, gauge(waitingDesc, float64(l.Waiting), site, plan), gauge(longWaitDesc, l.Longest.Seconds(), site, plan))
		expected := math.NaN() // nobody can say
		if !l.Expected.IsZero() {
			expected = max(0, time.Until(l.Expected).Seconds())
		}
		all = append(all, gauge(expectedDesc, expected, site, plan))
	}
	return all, err
}
