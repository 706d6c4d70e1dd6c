package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab"
)

func TestAFewOrdersAreMeasured(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l, err := fromEnvironment(func(name string) string { return map[string]string{"N": "4", "POST": "100ms-200ms"}[name] })
	require.NoError(t, err)
	l.noFsync = true
	told, err := run(t.Context(), l, &out)
	require.NoError(t, err, out.String())
	require.Equal(t, 4, told.N)
	require.Zero(t, told.Failed, out.String())
	require.Zero(t, told.Leaked, out.String())
	require.Positive(t, told.P50)
	require.GreaterOrEqual(t, told.Total, told.P99)
	require.Positive(t, told.CPU)
	require.GreaterOrEqual(t, told.Activities, 8.0, "an order and a provision")
	require.Greater(t, told.Events, 5*told.Activities)
	for _, line := range []string{"temporal-server", "postgres, of millwright", "worker", "Provision power", "PowerOn", "limits: "} {
		require.Contains(t, out.String(), line)
	}
}

func TestALoadIsReadFromTheEnvironment(t *testing.T) {
	t.Parallel()
	l, err := fromEnvironment(func(name string) string {
		return map[string]string{"N": "200", "POST": "60s-180s", "RATE": "4"}[name]
	})
	require.NoError(t, err)
	require.Equal(t, 200, l.n)
	require.Equal(t, lab.Span{Min: time.Minute, Max: 3 * time.Minute}, l.post)
	require.InDelta(t, 4, l.rate, 0)
	require.Equal(t, 1, l.workers)
	for name, text := range map[string]string{"N": "0", "POST": "soon", "RATE": "-1", "WORKERS": "two"} {
		_, err := fromEnvironment(func(asked string) string {
			if asked == name {
				return text
			}
			return ""
		})
		require.ErrorContains(t, err, name)
	}
}

func TestAQuantileIsTheSmallestThatSoManyDoNotExceed(t *testing.T) {
	t.Parallel()
	var all []time.Duration
	for i := range 100 {
		all = append(all, time.Duration(100-i)*time.Second)
	}
	require.InDelta(t, 50, quantile(all, 0.5), 0)
	require.InDelta(t, 95, quantile(all, 0.95), 0)
	require.InDelta(t, 100, quantile(all, 1), 0)
	require.Zero(t, quantile(nil, 0.5))
}

func TestStepsOfSeveralWorkersAddUp(t *testing.T) {
	t.Parallel()
	steps := map[string]*step{}
	for range 2 {
		require.NoError(t, parse(strings.NewReader(`# HELP millwright_step_duration_seconds x
millwright_step_duration_seconds_sum{outcome="done",plan="p",run="Provision",step="power"} 3
millwright_step_duration_seconds_count{outcome="done",plan="p",run="Provision",step="power"} 2
millwright_step_duration_seconds_sum{outcome="failed",plan="p",run="Provision",step="power"} 1
millwright_run_duration_seconds_sum{run="Provision"} 9
`), steps))
	}
	require.Len(t, steps, 1)
	require.InDelta(t, 8, steps["Provision power"].seconds, 0)
	require.InDelta(t, 2, steps["Provision power"].each(), 0)
}
