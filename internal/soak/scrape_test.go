package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMetricsAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	var all []metric
	for _, line := range []string{
		"# HELP go_goroutines Number of goroutines that currently exist.", "go_goroutines 17",
		`done_total{workflow_type="Provision",namespace="a b"} 3`, `done_total{namespace="x",workflow_type="Provision"} 4e1`,
		`done_total{workflow_type="Patrols"} 1`, `other{sub_workflow_type="x"} 1`, "", "rubbish",
	} {
		if m, is := parse(line); is {
			all = append(all, m)
		}
	}
	require.Len(t, all, 5)
	require.Equal(t, map[string]float64{"Provision": 43, "Patrols": 1}, counted(all, "done_total", "workflow_type"))
	require.Empty(t, counted(all, "other", "workflow_type"))
	into := map[key]float64{}
	read("worker", all, into)
	require.Equal(t, map[key]float64{{goroutines, "worker"}: 17, {labels, "worker"}: 5}, into)
}
