package ipam

import (
	"time"

	"millwright/internal/metal"
)

// Sample is what was held on one day. A store keeps one a day for each name
// that Uses gives.
type Sample struct {
	Day    time.Time
	Of     string
	Family int
	Held   float64
}

// trendSpan is how far back the present rate looks: a whole week, so that
// weekends weigh the same in every rate.
const trendSpan = 7 * 24 * time.Hour

// Trend sets PerDay of each use from the last week's samples of its name. The
// rate is the slope of the straight line nearest to them: one order of two
// hundred machines bends it less than it bends the difference of two days. A
// name with fewer than two days has no rate.
func Trend(uses []metal.Use, samples []Sample) []metal.Use {
	byName := map[tallyKey][]Sample{}
	for _, s := range samples {
		key := tallyKey{s.Of, s.Family}
		byName[key] = append(byName[key], s)
	}
	grown := make([]metal.Use, len(uses))
	for i, u := range uses {
		grown[i] = u
		grown[i].PerDay = slope(lastWeek(byName[tallyKey{u.Of, u.Family}]))
	}
	return grown
}

func lastWeek(samples []Sample) []Sample {
	newest := time.Time{}
	for _, s := range samples {
		if s.Day.After(newest) {
			newest = s.Day
		}
	}
	recent := []Sample{}
	for _, s := range samples {
		if newest.Sub(s.Day) <= trendSpan {
			recent = append(recent, s)
		}
	}
	return recent
}

// slope is in units a day, by least squares.
func slope(samples []Sample) float64 {
	if len(samples) < 2 {
		return 0
	}
	day := func(s Sample) float64 { return s.Day.Sub(samples[0].Day).Hours() / 24 }
	var meanDay, meanHeld, above, below float64
	for _, s := range samples {
		meanDay += day(s) / float64(len(samples))
		meanHeld += s.Held / float64(len(samples))
	}
	for _, s := range samples {
		above += (day(s) - meanDay) * (s.Held - meanHeld)
		below += (day(s) - meanDay) * (day(s) - meanDay)
	}
	if below == 0 {
		return 0
	}
	return above / below
}
