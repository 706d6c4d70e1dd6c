package fitness

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"millwright/internal/metal"
)

// level is how far past its limits a sensor is.
type level int

const (
	fine level = iota
	warning
	critical
)

// severity is failing past what is critical, and degraded before.
func (l level) severity() metal.Severity {
	if l == critical {
		return metal.Failing
	}
	return metal.Degraded
}

// sensor judges one. Fans stand and voltages are gone while a machine is off,
// and what is absent, or has nothing to say, is not dead.
func (f *findings) sensor(s metal.Sensor, power metal.Power) {
	state := strings.ToLower(s.State)
	moves := s.Kind == metal.Fan || s.Kind == metal.Volts || s.Kind == metal.Watts
	if state == "absent" || state == "disabled" || moves && power == metal.Off {
		return
	}
	said := map[string]level{"warning": warning, "critical": critical}[state]
	if s.Kind == metal.Discrete {
		f.discrete(s, said)
		return
	}
	if s.Value == nil {
		f.alarm(s, said, s.Kind == metal.Fan, "reads nothing, and the BMC says that it is "+state)
		return
	}
	if !plausible(s.Kind, *s.Value) {
		f.add(metal.SensorAlarm, s.Name, "%s reads %s, which no such thing has: the sensor is broken", s.Name, reading(s))
		return
	}
	past, low, limit := passed(s)
	words := fmt.Sprintf("reads %s, past its limit of %g", reading(s), limit)
	if past == fine && said != fine {
		words = fmt.Sprintf("reads %s, and the BMC says that it is %s", reading(s), state)
		low = s.Kind == metal.Fan
	}
	if s.Kind == metal.Fan && *s.Value == 0 {
		past, low, words = critical, true, "does not turn"
	}
	f.alarm(s, max(past, said), low, words)
}

// alarm finds the kind for a sensor that is past a limit.
func (f *findings) alarm(s metal.Sensor, l level, low bool, words string) {
	kind, severity := metal.SensorAlarm, l.severity()
	switch {
	case l == fine:
		return
	case s.Kind == metal.Temperature && !low && l == critical && ofProcessor(s.Name):
		kind = metal.HotCPU
	case s.Kind == metal.Temperature && !low:
		kind = metal.HotPart
	case s.Kind == metal.Fan && low && l == critical:
		kind = metal.DeadFan
	case s.Kind == metal.Volts:
		kind = metal.Voltage
	case s.Kind == metal.Watts:
		severity = metal.Degraded // it draws much, and is not broken
	}
	f.addAs(severity, kind, s.Name, "%s %s", s.Name, words)
}

var (
	powerSupply = regexp.MustCompile(`(?i)\bps ?u?[0-9]|psu|power supply|pwr supply`)
	memoryName  = regexp.MustCompile(`(?i)dimm|\bmem|ecc`)
	ofDisk      = regexp.MustCompile(`(?i)\b(drive|disk|hdd|ssd|nvme)`)
)

// discrete is a sensor that has a state and no number. Only of memory and disks
// is that enough to call the machine failing: an open lid is critical too.
func (f *findings) discrete(s metal.Sensor, l level) {
	kind, severity := metal.SensorAlarm, metal.Degraded
	switch {
	case l == fine:
		return
	case powerSupply.MatchString(s.Name):
		kind = metal.PowerSupply
	case memoryName.MatchString(s.Name):
		kind, severity = metal.MemoryErrors, l.severity()
	case ofDisk.MatchString(s.Name) && l == critical:
		kind, severity = metal.FailingDisk, metal.Failing
	case ofDisk.MatchString(s.Name):
		kind = metal.WornDisk
	}
	f.addAs(severity, kind, s.Name, "the BMC says that %s is %s", s.Name, strings.ToLower(s.State))
}

// passed says which limit a reading has reached, the worst one. A limit of zero
// is one that the BMC does not have, and so is a pair that leaves no room.
// Reaching a limit is passing it (IPMI 2.0, 35.14: "at or above", "at or below").
func passed(s metal.Sensor) (past level, low bool, limit float64) {
	v := *s.Value
	for _, pair := range []struct {
		level     level
		low, high *float64
	}{{critical, s.LowCritical, s.HighCritical}, {warning, s.LowWarning, s.HighWarning}} {
		least, most := given(pair.low), given(pair.high)
		switch {
		case least != nil && most != nil && *least >= *most:
		case most != nil && v >= *most:
			return pair.level, false, *most
		case least != nil && v <= *least:
			// Of a fan any low limit is the one that it should not be below.
			if s.Kind == metal.Fan && given(s.LowCritical) == nil {
				return critical, true, *least
			}
			return pair.level, true, *least
		}
	}
	return fine, false, 0
}

func given(limit *float64) *float64 {
	if limit != nil && *limit == 0 {
		return nil
	}
	return limit
}

// plausible readings are such as a thing can have. Sensors that lost their bus
// read 255 or -128, or the ends of their byte: processors cut their own power
// before 127 degrees. What says how far it still is to there counts below zero.
func plausible(kind metal.SensorKind, v float64) bool {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return false
	case kind == metal.Temperature:
		return v > -100 && v < 127
	case kind == metal.Fan:
		return v >= 0 && v < 100_000
	case kind == metal.Watts:
		return v >= 0 && v < 100_000
	}
	return true
}

var (
	processor = regexp.MustCompile(`(?i)cpu|proc|\bp[0-9] temp|^temp$`) // Dell's say "Temp", and are told apart by their entity
	besides   = regexp.MustCompile(`(?i)vr|dimm|mem|fan|vcore|inlet|exhaust|margin`)
)

// ofProcessor is a temperature of a processor itself, not of what is around it.
func ofProcessor(name string) bool { return processor.MatchString(name) && !besides.MatchString(name) }

func reading(s metal.Sensor) string { return strings.TrimSpace(fmt.Sprintf("%g %s", *s.Value, s.Unit)) }
