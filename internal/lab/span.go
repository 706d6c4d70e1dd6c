package lab

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Span is a time that varies evenly between two ends.
type Span struct{ Min, Max time.Duration }

// UnmarshalText reads "90s", or "60s-180s".
func (s *Span) UnmarshalText(text []byte) error {
	low, high, ranged := strings.Cut(string(text), "-")
	if !ranged {
		high = low
	}
	var err error
	if s.Min, err = time.ParseDuration(low); err == nil {
		s.Max, err = time.ParseDuration(high)
	}
	if err != nil || s.Min < 0 || s.Max < s.Min {
		return fmt.Errorf("%q: want a duration such as 90s, or two such as 60s-180s", text)
	}
	return nil
}

// draw picks one of the span.
func (s Span) draw(random *rand.Rand) time.Duration {
	if s.Max == s.Min {
		return s.Min
	}
	return s.Min + time.Duration(random.Int64N(int64(s.Max-s.Min)+1))
}
