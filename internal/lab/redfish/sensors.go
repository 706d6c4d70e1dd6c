package redfish

import (
	"fmt"
	"hash/fnv"
	"strings"

	"millwright/internal/metal"
)

// sensor is one that every BMC of a lab has. Limits of nil are not given.
type sensor struct {
	name    string
	kind    metal.SensorKind
	context string // DMTF's PhysicalContext
	on, off float64
	silent  bool      // while the machine is off
	low     []float64 // warning and critical
	high    []float64
}

// sensors with figures of a common 1U server: Supermicro X11 boards have these
// names and limits, near enough.
var sensorTable = []sensor{
	{name: "CPU1 Temp", kind: metal.Temperature, context: "CPU", on: 47, silent: true, high: []float64{85, 95}},
	{name: "Inlet Temp", kind: metal.Temperature, context: "Intake", on: 22, off: 21, low: []float64{5, 0}, high: []float64{38, 42}},
	{name: "DIMM_A Temp", kind: metal.Temperature, context: "Memory", on: 39, silent: true, high: []float64{80, 85}},
	{name: "FAN1", kind: metal.Fan, on: 5400, silent: true, low: []float64{700, 500}},
	{name: "FAN2", kind: metal.Fan, on: 5300, silent: true, low: []float64{700, 500}},
	{name: "FAN3", kind: metal.Fan, on: 5500, silent: true, low: []float64{700, 500}},
	{name: "12V", kind: metal.Volts, on: 12.19, off: 12.25, low: []float64{10.8, 10.4}, high: []float64{13.2, 13.6}},
	{name: "3.3VCC", kind: metal.Volts, on: 3.33, off: 3.34, low: []float64{2.98, 2.9}, high: []float64{3.6, 3.7}},
	{name: "System Power", kind: metal.Watts, on: 140, off: 11},
}

// SensorNames are those that SetSensor knows.
func SensorNames() []string {
	names := make([]string, len(sensorTable))
	for i, s := range sensorTable {
		names[i] = s.name
	}
	return names
}

func knownSensor(name string) bool {
	for _, s := range sensorTable {
		if s.name == name {
			return true
		}
	}
	return false
}

// SetSensor makes a sensor read so until the faults are cleared: degrees,
// revolutions per minute, volts or watts.
func (b *BMC) SetSensor(name string, value float64) error {
	if !knownSensor(name) {
		return fmt.Errorf("BMC %s: sensor %q: want one of %s", b.name, name, strings.Join(SensorNames(), ", "))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.setSensor(name, value)
	return nil
}

func (b *BMC) setSensor(name string, value float64) {
	if b.sensors == nil {
		b.sensors = map[string]float64{}
	}
	b.sensors[name] = value
}

// reading is what a sensor says, and nil where it says nothing: the sensors of
// parts without power do not. It wants the lock.
func (b *BMC) reading(s sensor) *float64 {
	value, set := b.sensors[s.name]
	switch {
	case set:
	case s.name == "CPU1 Temp" && b.hasLocked(HotCPU):
		value = s.high[1] + 3
	case s.name == "FAN1" && b.hasLocked(DeadFan):
		value = 0
	case b.power == metal.On:
		value = s.on + b.spread(s.on)
	case s.silent:
		return nil
	default:
		value = s.off
	}
	return &value
}

// spread tells machines apart, as by up to a tenth of what they read: no two
// consume the same.
func (b *BMC) spread(of float64) float64 {
	if of < 20 {
		return 0 // volts
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(b.name)) // a hash never refuses
	return float64(int(of*float64(sum.Sum32()%100)/1000 + 0.5))
}

// condition is how a reading stands to its sensor's limits.
func (s sensor) condition(value float64) string {
	past := func(i int) bool {
		return len(s.high) > i && value >= s.high[i] || len(s.low) > i && value <= s.low[i]
	}
	switch {
	case past(1):
		return healthCritical
	case past(0):
		return healthWarning
	}
	return healthOK
}

// status is the sensor's Status beside its reading.
func (s sensor) status(value *float64) object {
	if value == nil {
		return object{"State": "UnavailableOffline"}
	}
	return statusOf(s.condition(*value))
}

// limits are the thresholds in the words of the Thermal and Power schemas.
func (s sensor) limits(o object) object {
	for i, word := range []string{"NonCritical", "Critical"} {
		if len(s.low) > i {
			o["LowerThreshold"+word] = s.low[i]
		}
		if len(s.high) > i {
			o["UpperThreshold"+word] = s.high[i]
		}
	}
	return o
}
