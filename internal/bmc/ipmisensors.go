package bmc

import (
	"strconv"
	"strings"

	"millwright/internal/metal"
)

// analogFields are what "ipmitool -c -v sdr elist" prints of a sensor with a
// number: name, value, unit, status, entity, its name, type, nominal and normal
// figures, the upper limits (non-recoverable, critical, non-critical), the
// lower ones in the same order, and the range.
const analogFields = 18

// parseSensors reads sensors, and the parts that discrete ones speak for.
// Lines of another shape, such as warnings, are passed over.
func parseSensors(printed string) (sensors []metal.Sensor, parts []metal.Part) {
	for line := range strings.Lines(printed) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), ",")
		if n := len(fields) - analogFields; n >= 0 && strings.Contains(fields[n+4], ".") {
			name := strings.Join(fields[:n+1], ",") // a name may have commas
			if one, known := analog(name, fields[n:]); known {
				sensors = append(sensors, one)
			}
		} else if len(fields) >= 4 && strings.HasSuffix(fields[1], "h") && strings.Contains(fields[3], ".") {
			one, part := discrete(fields)
			sensors = append(sensors, one)
			if part.Kind != "" {
				parts = append(parts, part)
			}
		}
	}
	return sensors, parts
}

// ipmiUnits are ipmitool's words for those of interest.
var ipmiUnits = map[string]struct {
	kind metal.SensorKind
	unit string
}{
	"degrees C": {metal.Temperature, "C"},
	"RPM":       {metal.Fan, "RPM"},
	"Volts":     {metal.Volts, "V"},
	"Watts":     {metal.Watts, "W"},
}

// analog reads a sensor with a number. A limit of 0 is one that is not set:
// ipmitool prints what stands in the record, whether it counts or not.
func analog(name string, fields []string) (metal.Sensor, bool) {
	as, known := ipmiUnits[fields[2]]
	switch {
	case fields[2] == "percent" && isFan(name):
		as.kind, as.unit, known = metal.Fan, "%", true
	case fields[2] == "" && fields[6] == "Temperature":
		as.kind, as.unit, known = metal.Temperature, "C", true // one that reads nothing has no unit
	case fields[2] == "" && fields[6] == "Fan":
		as.kind, as.unit, known = metal.Fan, "RPM", true
	}
	return metal.Sensor{
		Name: clean(name, 64), Kind: as.kind, Unit: as.unit, Value: number(fields[1], false), State: ipmiState(fields[3]),
		HighCritical: limit(fields[11], fields[10]), HighWarning: number(fields[12], true),
		LowCritical: limit(fields[14], fields[13]), LowWarning: number(fields[15], true),
	}, known
}

// limit is the critical limit, or else the one beyond.
func limit(critical, beyond string) *float64 {
	if n := number(critical, true); n != nil {
		return n
	}
	return number(beyond, true)
}

func number(text string, zeroIsNone bool) *float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || n-n != 0 || zeroIsNone && n == 0 {
		return nil
	}
	return &n
}

// ipmiState is what ipmitool says of a reading against its limits, in our words.
func ipmiState(said string) string {
	said = strings.ToLower(said)
	switch {
	case said == "ok":
		return "ok"
	case strings.Contains(said, "non-critical"), strings.HasSuffix(said, "nc"):
		return "warning"
	case strings.Contains(said, "critical"), strings.Contains(said, "non-recover"), strings.HasSuffix(said, "cr"), strings.HasSuffix(said, "nr"):
		return "critical"
	}
	return "disabled"
}

// alarms are what discrete sensors say of trouble (IPMI 2.0, table 42-3), worst
// first. All else that they say is as it should be.
var alarms = []struct{ text, state string }{
	{"uncorrectable ecc", "critical"},
	{"failure detected", "critical"},
	{"drive fault", "critical"},
	{"thermal trip", "critical"},
	{"ierr", "critical"},
	{"frb", "critical"},
	{"non-recoverable", "critical"},
	{"transition to critical", "critical"},
	{"in failed array", "critical"},
	{"ac lost", "warning"},
	{"ac out-of-range", "warning"},
	{"predictive failure", "warning"},
	{"config error", "warning"},
	{"correctable ecc", "warning"},
	{"redundancy lost", "warning"},
	{"redundancy degraded", "warning"},
	{"throttled", "warning"},
	{"transition to non-critical", "warning"},
	{"device absent", "absent"},
	{"device removed", "absent"},
}

func alarm(said string) string {
	said = strings.ToLower(said)
	for _, one := range alarms {
		if strings.Contains(said, one.text) {
			return one.state
		}
	}
	return "ok"
}

// entities are the parts that have states of their own (table 43-13).
var entities = map[string]string{"3": "cpu", "4": "disk", "8": "memory", "10": "psu", "26": "disk", "32": "memory"}

// discrete reads "PS1 Status,03h,ok,10.1,Presence detected, Power Supply AC lost".
func discrete(fields []string) (metal.Sensor, metal.Part) {
	name, said := clean(fields[0], 64), clean(strings.Join(fields[4:], ","), 200)
	state := alarm(said)
	if fields[2] != "ok" && state == "ok" {
		state = ipmiState(fields[2])
	}
	entity, _, _ := strings.Cut(fields[3], ".")
	return metal.Sensor{Name: name, Kind: metal.Discrete, State: state},
		metal.Part{Kind: entities[strings.TrimSpace(entity)], Name: name, Health: state, Detail: said}
}
