package bmc

import (
	"fmt"
	"math"
	"time"

	"millwright/internal/metal"
)

const (
	failureLimit = 5                // conversations in a row, after which a BMC is left alone
	firstRest    = 30 * time.Second // doubles with each conversation that fails after a rest
	longestRest  = 5 * time.Minute

	scoreHalfLife = 50 // conversations
)

// Resting is why a BMC is not asked: it failed again and again, and what it
// needs least is more of the same. It is weather: the BMC is asked after Until.
type Resting struct {
	Since, Until time.Time
	Failures     int    // in a row
	Last         string // what the last of them said
}

// Error says how long, and why.
func (r *Resting) Error() string {
	return fmt.Sprintf("it is left alone since %s until %s, after %d failures in a row; the last: %s",
		r.Since.UTC().Format(time.TimeOnly), r.Until.UTC().Format(time.TimeOnly+" MST"), r.Failures, r.Last)
}

// rests is the reason not to ask a BMC now, or nil. The breaker is nothing but
// the record, so that it opens for all processes at once and outlives them all.
func rests(record metal.BMCRecord, now time.Time) error {
	if !now.Before(record.RestsUntil) {
		return nil
	}
	since := record.UsedAt
	if since.IsZero() {
		since = record.RestsUntil.Add(-restAfter(record.Failures))
	}
	return &Resting{Since: since, Until: record.RestsUntil, Failures: record.Failures, Last: record.LastError}
}

// restAfter is how long a BMC rests after that many failures in a row.
func restAfter(failures int) time.Duration {
	if failures < failureLimit {
		return 0
	}
	rest := firstRest
	for range failures - failureLimit {
		if rest *= 2; rest >= longestRest {
			return longestRest
		}
	}
	return rest
}

// scored moves the share of conversations that failed by one conversation.
func scored(score float64, failed bool) float64 {
	keep := math.Exp2(-1.0 / scoreHalfLife)
	if failed {
		return score*keep + (1 - keep)
	}
	return score * keep
}
