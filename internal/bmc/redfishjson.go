package bmc

import (
	"encoding/json"
	"strconv"
	"strings"

	"millwright/internal/metal"
)

// figure is a number of a BMC's. Vendors write it as a number, as a string
// ("42", "12.1 V" is none) or as null; what is no number is nil, so that one
// odd sensor does not cost the others.
type figure struct{ value *float64 }

func (f *figure) UnmarshalJSON(raw []byte) error {
	f.value = nil
	text := strings.Trim(string(raw), `" `)
	if n, err := strconv.ParseFloat(text, 64); err == nil && n-n == 0 { // neither NaN nor infinite
		f.value = &n
	}
	return nil
}

// word is a short text of a BMC's. IDs and versions come as numbers at times,
// and anything comes as null.
type word string

func (w *word) UnmarshalJSON(raw []byte) error {
	*w = ""
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*w = word(clean(text, 200))
		return nil
	}
	if n := json.Number(string(raw)); json.Unmarshal(raw, &n) == nil {
		*w = word(n)
	}
	return nil
}

// clean is a device's text on one line, without control characters, and no
// longer than limit.
func clean(text string, limit int) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "")
	}
	return text
}

// status is Redfish's word on a resource (DSP0268, Status).
type status struct {
	State        word
	Health       word
	HealthRollup word
}

// said is the status in one word, as metal.Sensor and metal.Part have it.
func (s status) said() string {
	switch s.State {
	case "Absent":
		return "absent"
	case "Disabled", "StandbyOffline", "UnavailableOffline", "InTest", "Deferring", "Quiesced":
		return "disabled"
	}
	switch s.Health {
	case "Critical":
		return "critical"
	case "Warning":
		return "warning"
	case "OK":
		return "ok"
	}
	if s.State == "Enabled" {
		return "ok"
	}
	return ""
}

// wholeOK is whether nothing below a resource is worth a closer look.
func (s status) wholeOK() bool {
	return s.HealthRollup == "OK" && s.Health != "Warning" && s.Health != "Critical"
}

// severityOf is what a Redfish severity means for the machine.
func severityOf(said word) metal.Severity {
	switch said {
	case "Critical":
		return metal.Failing
	case "Warning":
		return metal.Degraded
	}
	return metal.Note
}
