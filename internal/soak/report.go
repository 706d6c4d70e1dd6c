package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// deeds is what happened in a month, by what it is called.
type deeds map[string]float64

// happened counts what the worker did, and what was done to it.
func (w *world) happened(ctx context.Context) (deeds, error) {
	all, err := scrape(ctx, w.admins["worker"])
	if err != nil {
		return nil, err
	}
	done := deeds{}
	for _, end := range []string{"completed", "continue_as_new", "failed", "canceled"} {
		for kind, n := range counted(all, "temporal_workflow_"+end, "workflow_type") {
			done["runs of "+kind] += n
			if end != "completed" {
				done["runs that ended "+end] += n
			}
		}
	}
	for _, n := range counted(all, "millwright_activity_attempt_duration_seconds_count", "activity") {
		done["activities"] += n
	}
	done["webhook deliveries, refused ones too"] = float64(w.hook.asked.Load())
	done["DHCP renewals"] = float64(w.renewed.Load())
	w.mu.Lock()
	defer w.mu.Unlock()
	done["devices' lives"], done["lives that failed"] = float64(w.lives), float64(len(w.failed))
	return done, nil
}

// monthly is how much of something a site of n machines has in a month, where
// that can be said: what schedules do by default, and the lives that are asked for.
func monthly(cfg Config) deeds {
	n := float64(cfg.Machines)
	const month = 30 * 24 * 60 // minutes
	return deeds{
		"runs of Provision": n * float64(cfg.Lives), "runs of Deprovision": n * float64(cfg.Lives),
		"runs of Patrols": month / 10, "runs of CheckSwitches": month / 15, "runs of Reconcile": month * 2,
		"DHCP renewals": n * renewals,
	}
}

// shape draws a series in a few characters.
func shape(v []float64) string {
	const steps = "▁▂▃▄▅▆▇█"
	const wide = 24
	low, high := slices.Min(v), slices.Max(v)
	var drawn strings.Builder
	for i := range min(wide, len(v)) {
		at := 0
		if high > low {
			part := v[i*len(v)/min(wide, len(v)) : (i+1)*len(v)/min(wide, len(v))]
			at = int(math.Round((median(slices.Clone(part)) - low) / (high - low) * 7))
		}
		drawn.WriteRune([]rune(steps)[at])
	}
	return drawn.String()
}

// number is short: bytes in MiB, all else as it is.
func number(s series, n float64) string {
	if s.Kind == shown && s.Name == "rss of temporal-server" || s.Kind == memory || s.Kind == heap || s.Kind == size || strings.Contains(s.Name, "bytes of ") {
		return fmt.Sprintf("%.1f MiB", n/mib)
	}
	return fmt.Sprintf("%.0f", n)
}

// writeReport writes tables for people: what happened, and what was held.
func writeReport(out io.Writer, cfg Config, done deeds, all []judged) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nwhat happened\tin %g minutes\tin a month\n", cfg.Minutes)
	usual := monthly(cfg)
	for _, what := range slices.Sorted(maps.Keys(done)) {
		share := ""
		if of := usual[what]; of > 0 {
			share = fmt.Sprintf("%.0f (%.0f%%)", of, 100*done[what]/of)
		}
		fmt.Fprintf(t, "%s\t%.0f\t%s\n", what, done[what], share)
	}
	fmt.Fprintf(t, "\nwhat was held\tlevel\trise\t\ttrend\tlimit\t\n")
	for _, j := range all {
		if !j.worthALine() {
			continue
		}
		word, limit := "", "-"
		if l, is := limits[j.Kind]; is {
			limit = fmt.Sprintf("%.0f%% and %s", l.percent*cfg.Loose, number(j.series, l.floor*cfg.Loose))
		} else if j.Kind == longest {
			limit = fmt.Sprint("up to ", mostEvents)
		}
		if j.Leaks {
			word = "LEAKS"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%+.1f%%\t%+.2f\t%s\t%s %s\n", j.title(), number(j.series, j.Level), number(j.series, j.Rise), j.Percent, j.Trend, limit, shape(j.Values), word)
	}
	_ = t.Flush()
	fmt.Fprintln(out)
}

// title is what a series is called in the report.
func (j judged) title() string {
	switch j.Kind {
	case rows, size, runs, longest, shown:
		return j.Name
	case labels:
		return "series that " + j.Name + " exports"
	}
	return string(j.Kind) + " " + j.Name
}

// worthALine leaves out what never changed, and sizes and dead rows of tables
// that are as small as they should be; the file of samples has all of it.
func (j judged) worthALine() bool {
	varies := slices.Max(j.Values) > slices.Min(j.Values)
	little := j.Kind == size && slices.Max(j.Values) < limits[size].floor || strings.HasPrefix(j.Name, "dead rows") ||
		j.Kind == shown && strings.HasPrefix(j.Name, "bytes of ") && slices.Max(j.Values) < mib
	return j.Leaks || varies && !little
}

// flat is the verdict on a run in which nothing leaks.
const flat = "flat"

// said is the last line.
type said struct {
	Minutes     float64  `json:"minutes"`
	Runs        int      `json:"runs"`
	Provisions  int      `json:"provisions"`
	Patrols     int      `json:"patrols"`
	Goroutines  float64  `json:"goroutines_growth_percent"` // of the program of ours that grew most
	RSS         float64  `json:"rss_growth_percent"`
	Connections float64  `json:"connections_growth"`
	Tables      []string `json:"tables_growing"`
	Verdict     string   `json:"verdict"`
}

func conclude(cfg Config, done deeds, all []judged) said {
	s := said{Minutes: cfg.Minutes, Provisions: int(done["runs of Provision"]), Patrols: int(done["runs of Patrols"]), Tables: []string{}}
	for what, n := range done {
		if strings.HasPrefix(what, "runs of ") {
			s.Runs += int(n)
		}
	}
	s.Goroutines, s.RSS = math.Inf(-1), math.Inf(-1)
	var leaks []string
	for _, j := range all {
		switch {
		case j.Kind == goroutines:
			s.Goroutines = max(s.Goroutines, j.Percent)
		case j.Kind == memory:
			s.RSS = max(s.RSS, j.Percent)
		case j.Kind == connections:
			s.Connections = tenths(j.Rise)
		case j.Leaks && (j.Kind == rows || j.Kind == size):
			s.Tables = append(s.Tables, j.Name)
		}
		if j.Leaks {
			leaks = append(leaks, j.title())
		}
	}
	s.Goroutines, s.RSS = tenths(max(s.Goroutines, -100)), tenths(max(s.RSS, -100))
	s.Verdict = flat
	if len(leaks) > 0 {
		s.Verdict = "leaks: " + strings.Join(leaks, ", ")
	}
	return s
}

func tenths(n float64) float64 { return cmp.Or(math.Round(n*10)/10, 0) }

// writeSamples keeps every series for whoever wants to draw them.
func writeSamples(name string, samples []sample, all []judged) error {
	when := make([]int64, len(samples))
	for i, s := range samples {
		when[i] = s.At.Unix()
	}
	raw, err := json.Marshal(map[string]any{"at": when, "series": all})
	if err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	return os.WriteFile(name, raw, 0o644)
}
