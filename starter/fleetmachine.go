package main

import (
	"context"
	"log/slog"
	"math"

	"github.com/prometheus/client_golang/prometheus"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// manyMachines is from when on machines have no series of their own unless
// somebody asks for them: some 30 each are a third of what a small Prometheus
// holds with ease.
const manyMachines = 2000

// nearCritical is how close to its critical limit a temperature is told of
// always, in degrees. The alerts look no further.
const nearCritical = 10

var (
	wattsDesc      = describe("millwright_machine_watts", "What a machine draws; no series where its BMC does not say.", "site", "rack", "machine")
	celsiusDesc    = describe("millwright_machine_celsius", "A temperature; without --machine-metrics only within 10 degrees of its critical limit.", "site", "machine", "sensor")
	limitDesc      = describe("millwright_machine_celsius_limit", "From where on a temperature is a warning, or critical, as the BMC says.", "site", "machine", "sensor", "limit")
	fanDesc        = describe("millwright_machine_fan_rpm", "Speed of a fan; without --machine-metrics only 0.", "site", "machine", "sensor")
	fanPercentDesc = describe("millwright_machine_fan_percent", "Speed of a fan whose BMC tells no other; without --machine-metrics only 0.", "site", "machine", "sensor")
)

// newMachineSeries tells of each machine by itself: "on", "off", or "auto" for
// fleets that are not large. What alerts are about is told in any case.
func newMachineSeries(store *postgres.Store, wanted string, log *slog.Logger) *tally {
	return &tally{
		what: "machines one by one", fresh: fleetFresh, log: log,
		descs: []*prometheus.Desc{wattsDesc, celsiusDesc, limitDesc, fanDesc, fanPercentDesc},
		count: func(ctx context.Context) ([]prometheus.Metric, error) {
			everything, err := each(ctx, store, wanted)
			if err != nil {
				return nil, err
			}
			return countMachines(ctx, store, everything)
		},
	}
}

// each tells whether every machine is told of.
func each(ctx context.Context, store *postgres.Store, wanted string) (bool, error) {
	if wanted != "auto" {
		return wanted == "on", nil
	}
	rows, err := store.Queries().CountHealth(ctx)
	machines := int64(0)
	for _, r := range rows {
		machines += r.Count
	}
	return machines < manyMachines, err
}

func countMachines(ctx context.Context, store *postgres.Store, everything bool) (all []prometheus.Metric, err error) {
	if everything {
		rows, err := store.MachineWatts(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			all = append(all, gauge(wattsDesc, r.Watts, r.Site, r.Rack, r.Machine))
		}
	}
	sensors, err := store.MachineSensors(ctx, everything, nearCritical)
	for _, s := range sensors {
		switch {
		case s.Kind == string(metal.Temperature):
			all = append(all, gauge(celsiusDesc, s.Value, s.Site, s.Machine, s.Sensor))
			for limit, degrees := range map[string]float64{"warning": s.Warning, "critical": s.Critical} {
				if !math.IsInf(degrees, 1) { // the BMC gives none
					all = append(all, gauge(limitDesc, degrees, s.Site, s.Machine, s.Sensor, limit))
				}
			}
		case s.Percent:
			all = append(all, gauge(fanPercentDesc, s.Value, s.Site, s.Machine, s.Sensor))
		default:
			all = append(all, gauge(fanDesc, s.Value, s.Site, s.Machine, s.Sensor))
		}
	}
	return all, err
}
