package fitness

import (
	"regexp"
	"strings"
	"time"

	"millwright/internal/metal"
)

// Judge says what is the matter by what a BMC reads. Baseline is the plan's, of
// firmware. A reading says nothing of what is missing from it.
func Judge(r metal.Reading, baseline map[string]string) []metal.Finding {
	var f findings
	for _, sensor := range r.Sensors {
		f.sensor(sensor, r.Power)
	}
	for _, part := range r.Parts {
		f.part(part)
	}
	for _, entry := range r.Log {
		f.entry(entry, r.At)
	}
	if r.LogFull {
		f.add(metal.EventLogFull, "", "the BMC says that its event log is nearly full")
	}
	f.judgeFirmware(r.Firmware, baseline)
	return f.ordered()
}

// part is a component that the BMC itself has judged. An empty slot is no part.
// A machine with one of two power supplies works, however bad that one is.
func (f *findings) part(p metal.Part) {
	severity := metal.Degraded
	switch strings.ToLower(p.Health) {
	case "critical":
		severity = metal.Failing
	case "warning":
	default:
		return
	}
	kind := metal.SensorAlarm
	switch p.Kind {
	case "disk":
		kind = metal.WornDisk
		if severity == metal.Failing {
			kind = metal.FailingDisk
		}
	case "memory":
		kind = metal.MemoryErrors
	case "psu":
		kind, severity = metal.PowerSupply, metal.Degraded
	case "fan":
		if severity == metal.Failing {
			kind = metal.DeadFan
		}
	}
	detail := p.Detail
	if detail == "" {
		detail = "it gives no reason"
	}
	f.addAs(severity, kind, p.Name, "the BMC says that %s %s is %s: %s", p.Kind, p.Name, strings.ToLower(p.Health), detail)
}

// history is the age at which an entry of the event log says nothing of the
// machine as it is: parts were replaced since, and the log kept. A BMC that has
// lost its clock writes 1970, which is no age.
const history = 30 * 24 * time.Hour

// What entries of event logs say, in the words of several vendors. "Uncorrectable"
// has "correctable" in it, so it is looked for first.
var (
	ofMemory   = regexp.MustCompile(`(?i)memory|dimm|\becc\b`)
	lost       = regexp.MustCompile(`(?i)uncorrect|multi-?bit|parity`)
	tooMany    = regexp.MustCompile(`(?i)(correct|single-?bit|ecc).*\b(limit|rate|threshold|exceed)`)
	tripped    = regexp.MustCompile(`(?i)thermal ?trip`)
	internally = regexp.MustCompile(`(?i)\b(ierr|caterr|machine check)`)
	withdrawn  = regexp.MustCompile(`(?i)de-?assert`)
)

// entry looks for what no sensor shows once it has happened. That a fan stands
// or a power supply is out is what its sensor says, and says when it is over.
func (f *findings) entry(e metal.LogEntry, now time.Time) {
	const clockless = 2000 // the year before which no clock of a BMC is set
	if e.At.Year() >= clockless && now.Sub(e.At) > history || withdrawn.MatchString(e.Message) {
		return
	}
	words := e.Sensor + " " + e.Message
	switch {
	case ofMemory.MatchString(words) && lost.MatchString(words):
		f.add(metal.MemoryErrors, e.Sensor, "the event log says: %s", e.Message)
	case ofMemory.MatchString(words) && tooMany.MatchString(words):
		f.add(metal.MemoryErrors, e.Sensor, "the event log says: %s", e.Message)
	case tripped.MatchString(words):
		f.add(metal.HotCPU, e.Sensor, "the event log says: %s", e.Message)
	case internally.MatchString(words):
		f.add(metal.SensorAlarm, e.Sensor, "the event log says: %s", e.Message)
	}
}
