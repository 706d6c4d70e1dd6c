package metal

import (
	"encoding/json"
	"fmt"
	"time"
)

// Wait is a span of time in an order: a string such as "90m" or "12h".
type Wait time.Duration

// longestWait bounds how long a run stands in a line.
const longestWait = 7 * 24 * time.Hour

// MarshalJSON writes it as it was given.
func (w Wait) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(w).String()) }

// UnmarshalJSON reads Go's form of a duration; a bare number has no unit, and
// is refused.
func (w *Wait) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf(`wait: want a text such as "90m" or "12h"`)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf(`wait: %q is no span of time; want one such as "90m" or "12h"`, text)
	}
	*w = Wait(d)
	return nil
}

// UnmarshalText reads it from a command line.
func (w *Wait) UnmarshalText(text []byte) error {
	raw, err := json.Marshal(string(text))
	if err != nil {
		return err
	}
	return w.UnmarshalJSON(raw)
}

func (w Wait) check() error {
	if w < 0 || time.Duration(w) > longestWait {
		return fmt.Errorf("wait: want 0 to %s", longestWait)
	}
	return nil
}
