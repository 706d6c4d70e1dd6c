package bill

import (
	"cmp"
	"fmt"
	"time"
)

// Period reads what a report is asked for: a month, or from one moment to
// another; the current month where nothing is said. Months and days are those
// of UTC, as is everything that is billed.
func Period(month, from, to string, now time.Time) (since, until time.Time, err error) {
	now = now.UTC().Truncate(time.Second)
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	switch {
	case month != "" && cmp.Or(from, to) != "":
		return since, until, fmt.Errorf("month: %q and a from or to; give the one or the other", month)
	case month != "":
		if first, err = time.Parse("2006-01", month); err != nil {
			return since, until, fmt.Errorf("month: %q is no month; write it like 2026-11", month)
		}
	case cmp.Or(from, to) != "":
		return between(from, to, first, now)
	}
	return first, first.AddDate(0, 1, 0), nil
}

// between takes the beginning of the month for a from that is not there, and
// now for such a to.
func between(from, to string, first, now time.Time) (since, until time.Time, err error) {
	if since, err = moment("from", from, first); err != nil {
		return since, until, err
	}
	if until, err = moment("to", to, now); err != nil {
		return since, until, err
	}
	if !since.Before(until) {
		return since, until, fmt.Errorf("from: %s is not before %s", since.Format(time.RFC3339), until.Format(time.RFC3339))
	}
	return since, until, nil
}

func moment(name, text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil && t.Equal(t.Truncate(time.Second)) {
			return t.UTC(), nil
		}
	}
	return otherwise, fmt.Errorf("%s: %q is no day and no whole second; write it like 2026-11-01 or 2026-11-01T12:00:00Z", name, text)
}
