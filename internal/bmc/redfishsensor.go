package bmc

import (
	"cmp"

	"millwright/internal/metal"
)

// sensor is a member of a chassis' Sensors (DSP2046, Sensor).
type sensor struct {
	Name, ID     word
	ReadingType  word
	ReadingUnits word // UCUM: "Cel", "{rev}/min", "%", "V", "W"
	Reading      figure
	Status       status
	Thresholds   struct {
		LowerCaution, LowerCritical, LowerFatal struct{ Reading figure }
		UpperCaution, UpperCritical, UpperFatal struct{ Reading figure }
	}
}

// measures are the units that sensors of interest come in. Currents, energies
// and humidities are read by nobody.
var measures = map[word]struct {
	kind metal.SensorKind
	unit string
}{
	"Cel":       {metal.Temperature, "C"},
	"RPM":       {metal.Fan, "RPM"},
	"{rev}/min": {metal.Fan, "RPM"},
	"V":         {metal.Volts, "V"},
	"W":         {metal.Watts, "W"},
}

// sensor is the same in our words, if it is one of interest. Percents are of
// fans, and of much else.
func (s sensor) sensor() (metal.Sensor, bool) {
	as, known := measures[s.ReadingUnits]
	if s.ReadingUnits == "%" && (s.ReadingType == "Percent" || s.ReadingType == "Rotational") {
		as.kind, as.unit, known = metal.Fan, "%", isFan(string(s.Name)+" "+string(s.ID))
	}
	t := s.Thresholds
	return silent(metal.Sensor{
		Name: string(cmp.Or(s.Name, s.ID)), Kind: as.kind, Unit: as.unit, Value: s.Reading.value, State: s.Status.said(),
		LowCritical: cmp.Or(t.LowerCritical.Reading.value, t.LowerFatal.Reading.value), LowWarning: t.LowerCaution.Reading.value,
		HighWarning: t.UpperCaution.Reading.value, HighCritical: cmp.Or(t.UpperCritical.Reading.value, t.UpperFatal.Reading.value),
	}), known
}
