package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// verdict is what one seed came to.
type verdict struct {
	Seed         uint64         `json:"seed"`
	Machines     int            `json:"machines"`
	Took         float64        `json:"took_s"`
	Runs         map[string]int `json:"runs"`   // by type and outcome
	Orders       map[string]int `json:"orders"` // by action and outcome
	Total        int            `json:"total"`
	Disturbances map[string]int `json:"disturbances"` // by kind and what was hit
	Waited       map[string]int `json:"waited"`       // what runs that stood still were waiting for
	Stuck        int            `json:"stuck_called_out"`
	Quarantined  []string       `json:"quarantined"`
	Recovery     []float64      `json:"recovery_s"` // shortest first
	Findings     []finding      `json:"findings"`

	recovered []time.Duration
}

// summary is the last line of all.
type summary struct {
	Seeds  int     `json:"seeds"`
	Runs   int     `json:"runs"`
	Kills  int     `json:"kills"`
	Lost   int     `json:"lost"`
	Leaked int     `json:"leaked"`
	Double int     `json:"doubles"`
	Stuck  int     `json:"stuck_called_out"`
	P50    float64 `json:"recovery_p50_s"`
	P99    float64 `json:"recovery_p99_s"`
}

func (s summary) broken() bool { return s.Lost+s.Leaked+s.Double > 0 }

// sum adds seeds up; percentiles are of all disturbances of all seeds.
func sum(all []*verdict) summary {
	var s summary
	var times []time.Duration
	for _, v := range all {
		s.Seeds++
		s.Runs += v.Total
		s.Stuck += v.Stuck
		for _, n := range v.Disturbances {
			s.Kills += n
		}
		s.Lost += count(v.Findings, lost)
		s.Leaked += count(v.Findings, leaked)
		s.Double += count(v.Findings, doubled)
		times = append(times, v.recovered...)
	}
	slices.Sort(times)
	s.P50, s.P99 = seconds(percentile(times, 0.5)), seconds(percentile(times, 0.99))
	return s
}

func seconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Millisecond)) / float64(time.Second)
}

// print is one seed for people.
func (v *verdict) print(out io.Writer) {
	fmt.Fprintf(out, "seed %d: %d machines, %d runs, %.0f s\n", v.Seed, v.Machines, v.Total, v.Took)
	list(out, "runs", v.Runs)
	list(out, "orders", v.Orders)
	list(out, "disturbances", v.Disturbances)
	fmt.Fprintf(out, "  recovery: p50 %.1f s, p90 %.1f s, p99 %.1f s of %d\n", seconds(percentile(v.recovered, 0.5)),
		seconds(percentile(v.recovered, 0.9)), seconds(percentile(v.recovered, 0.99)), len(v.recovered))
	list(out, "runs that stood still waited for", v.Waited)
	fmt.Fprintf(out, "  stuck and called out: %d; machines in quarantine: %d\n", v.Stuck, len(v.Quarantined))
	for _, q := range v.Quarantined {
		fmt.Fprintf(out, "    %s\n", q)
	}
	fmt.Fprintf(out, "  findings: %d\n", len(v.Findings))
	for _, f := range v.Findings {
		fmt.Fprintf(out, "    %s\n", f)
	}
}

func list(out io.Writer, title string, counts map[string]int) {
	fmt.Fprintf(out, "  %s:\n", title)
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(out, "    %5d  %s\n", counts[key], key)
	}
}

// class is a target without its number: "switch", "worker", "worker→postgres".
func class(target string) string {
	kind, _, _ := strings.Cut(target, "/")
	for i := range workers {
		kind = strings.ReplaceAll(kind, "worker-"+strconv.Itoa(i+1), "worker")
	}
	return kind
}

// file is the report as JSON.
func file(path string, all []*verdict) error {
	for _, v := range all {
		v.Recovery = nil
		for _, t := range v.recovered {
			v.Recovery = append(v.Recovery, seconds(t))
		}
	}
	text, err := json.MarshalIndent(map[string]any{"summary": sum(all), "seeds": all}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// keepLogs copies what the programs of a seed printed, for whoever looks into a
// finding.
func (w *world) keepLogs(folder string, seed uint64) error {
	into := filepath.Join(folder, fmt.Sprintf("chaos-seed-%d", seed))
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	logs, err := filepath.Glob(filepath.Join(w.Stack.Dir, "*.log"))
	if err != nil {
		return err
	}
	for _, from := range logs {
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(into, filepath.Base(from)), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
