package main

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// tell scrapes with this --machine-metrics.
func (w *web) tell(wanted string) string {
	w.t.Helper()
	w.orders.metrics.registry = prometheus.NewRegistry()
	w.orders.metrics.registry.MustRegister(newMachineSeries(w.store, wanted, w.log.logger()))
	return w.scrape()
}

func TestMetricsTellOfEachMachineInASmallFleet(t *testing.T) {
	t.Parallel()
	w := watched(t)
	text := w.tell("auto")
	require.Equal(t, w.tell("on"), text)
	for _, line := range []string{
		`millwright_machine_watts{machine="m1",rack="r1",site="lab1"} 212.5`,
		`millwright_machine_celsius{machine="m1",sensor="Temp",site="lab1"} 88`, // the hotter of two
		`millwright_machine_celsius{machine="m1",sensor="Inlet",site="lab1"} 24`,
		`millwright_machine_celsius_limit{limit="warning",machine="m1",sensor="Temp",site="lab1"} 85`,
		`millwright_machine_celsius_limit{limit="critical",machine="m1",sensor="Temp",site="lab1"} 95`,
		`millwright_machine_fan_rpm{machine="m1",sensor="Fan 1",site="lab1"} 7200`,
		`millwright_machine_fan_rpm{machine="m1",sensor="Fan 2",site="lab1"} 0`,
		`millwright_machine_fan_percent{machine="m1",sensor="Blower",site="lab1"} 35`,
	} {
		require.Contains(t, text, line+"\n")
	}
	require.NotContains(t, text, "DIMM A1", "there is no such part")
	require.NotContains(t, text, `sensor="Inlet",site="lab1"} +Inf`, "it has no limit")
	require.NotContains(t, text, `machine="m2"`, "it was read too long ago")
}

func TestMetricsOfALargeFleetTellOfWhatIsCloseToItsLimit(t *testing.T) {
	t.Parallel()
	text := watched(t).tell("off")
	require.Contains(t, text, `millwright_machine_celsius{machine="m1",sensor="Temp",site="lab1"} 88`)
	require.Contains(t, text, `millwright_machine_celsius_limit{limit="critical",machine="m1",sensor="Temp",site="lab1"} 95`)
	require.Contains(t, text, `millwright_machine_fan_rpm{machine="m1",sensor="Fan 2",site="lab1"} 0`)
	for _, calm := range []string{"Inlet", "Fan 1", "Blower", "millwright_machine_watts"} {
		require.NotContains(t, text, calm)
	}
}

func TestFansOfAMachineThatIsOffStandByRight(t *testing.T) {
	t.Parallel()
	w := watched(t)
	w.exec(`update readings set power = 'off' where machine = 'm1'`)
	require.NotContains(t, w.tell("on"), "fan_rpm")
}
