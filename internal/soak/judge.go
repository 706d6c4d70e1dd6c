package main

import (
	"slices"
	"sort"
	"strings"
	"time"
)

// kind is what a series counts; each has a limit of its own.
type kind string

// The kinds of series. Those without a limit are shown and not judged.
const (
	goroutines  kind = "goroutines"
	heap        kind = "heap"
	memory      kind = "rss"
	files       kind = "files"
	threads     kind = "threads"
	labels      kind = "series" // of a program's metrics
	sticky      kind = "sticky" // cached runs
	connections kind = "connections"
	rows        kind = "rows"
	size        kind = "size"    // of a table with its indexes
	runs        kind = "runs"    // of Temporal
	longest     kind = "longest" // history
	shown       kind = "shown"
)

// limit says from where on a rise is a leak: it must be more than so many
// percent of the level and more than so much in all, over what is judged.
// What flutters by a few has a floor; the percents are above what a run without a
// leak shows, and far below what one object for each device would.
type limit struct {
	percent float64
	floor   float64
}

const mib = 1 << 20

var limits = map[kind]limit{
	goroutines:  {10, 12},
	heap:        {30, 12 * mib}, // between two collections it doubles
	memory:      {20, 16 * mib},
	files:       {15, 8},
	threads:     {25, 5},
	labels:      {5, 150}, // what happens for the first time has a dozen for its histogram
	sticky:      {20, 60},
	connections: {15, 4},
	rows:        {20, 60},
	size:        {30, 2 * mib}, // dead rows are reused once vacuum was there
	runs:        {25, 150},
}

// mostEvents are in a history from which on Temporal warns. What runs for long
// begins anew before it: its length goes up and down like a saw.
const mostEvents = 10_240

// series is one thing over time.
type series struct {
	Name   string    `json:"name"`
	Kind   kind      `json:"kind"`
	Values []float64 `json:"values"`
}

// judged is a series and what became of it.
type judged struct {
	series
	Level   float64 `json:"level"`   // its median over what is judged
	Rise    float64 `json:"rise"`    // over what is judged, by the trend
	Percent float64 `json:"percent"` // of the level
	Trend   float64 `json:"trend"`   // Kendall's tau: 1 is always up, 0 is neither
	Leaks   bool    `json:"leaks"`
}

// settled is the share of a run that is not judged: caches fill, pools open,
// and tables come to the level at which as much is forgotten as comes.
const settled = 3

// judge tells the trend of the last two thirds. The slope is Theil's and Sen's,
// the median of the slopes between all pairs of points: a third of the points may be
// anything. Kendall's tau of the same pairs keeps noise from being called a
// trend: a fifth more pairs go up than down.
func judge(s series, loose float64) judged {
	j := judged{series: s}
	v := s.Values[len(s.Values)/settled:]
	if len(v) < 3 {
		return j
	}
	slope, up := trend(thin(v))
	j.Level = median(slices.Clone(v))
	j.Rise, j.Trend = slope*float64(len(thin(v))-1), up
	j.Percent = 100 * j.Rise / max(j.Level, 1)
	if s.Kind == longest {
		j.Leaks = slices.Max(v) > mostEvents
		return j
	}
	l, is := limits[s.Kind]
	j.Leaks = is && j.Trend > 0.2 && j.Percent > l.percent*loose && j.Rise > l.floor*loose
	return j
}

// most is how many points are compared with each other; more say nothing new.
const most = 240

// thin takes the medians of equal parts where there are too many points.
func thin(v []float64) []float64 {
	if len(v) <= most {
		return v
	}
	out := make([]float64, most)
	for i := range out {
		out[i] = median(slices.Clone(v[i*len(v)/most : (i+1)*len(v)/most]))
	}
	return out
}

// trend is the median slope between all pairs, a step, and how many more of
// them go up than down, as a share.
func trend(v []float64) (slope, tau float64) {
	var slopes []float64
	up, down := 0, 0
	for i := range v {
		for j := i + 1; j < len(v); j++ {
			slopes = append(slopes, (v[j]-v[i])/float64(j-i))
			switch {
			case v[j] > v[i]:
				up++
			case v[j] < v[i]:
				down++
			}
		}
	}
	return median(slopes), float64(up-down) / float64(len(slopes))
}

func median(v []float64) float64 {
	sort.Float64s(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// sample is what was held at one moment.
type sample struct {
	At     time.Time       `json:"at"`
	Values map[key]float64 `json:"-"`
}

// key names a series.
type key struct {
	Kind kind
	Name string
}

// judgeAll judges every series of the samples. What a sample lacks was not
// there: a table that did not exist, a state that no connection was in.
func judgeAll(samples []sample, loose float64) (all []judged) {
	known := map[key]bool{}
	for _, s := range samples {
		for k := range s.Values {
			known[k] = true
		}
	}
	for k := range known {
		s := series{Name: k.Name, Kind: k.Kind, Values: make([]float64, len(samples))}
		for i := range samples {
			s.Values[i] = samples[i].Values[k]
		}
		all = append(all, judge(s, loose))
	}
	slices.SortFunc(all, func(a, b judged) int {
		return strings.Compare(string(a.Kind)+" "+a.Name, string(b.Kind)+" "+b.Name)
	})
	return all
}
