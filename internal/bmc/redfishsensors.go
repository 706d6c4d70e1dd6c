package bmc

import (
	"cmp"
	"context"
	"errors"

	"millwright/internal/metal"
)

// chassis is what a machine stands in, and where its sensors are found: in
// Thermal and Power, or since Redfish 2020.4 in collections of their own.
type chassis struct {
	Thermal            reference
	Power              reference
	Sensors            reference
	EnvironmentMetrics reference
	PowerSubsystem     reference
}

// errNoSensors is a chassis that links to none.
var errNoSensors = errors.New("no chassis of the machine links to any")

// readChassis reads the sensors and power supplies of the machine's chassis. A
// BMC that has both ways is read in the old one, which is two requests.
func (v *visit) readChassis(ctx context.Context, r *metal.Reading) error {
	found := false
	for _, link := range v.system.Links.Chassis {
		var c chassis
		if err := v.get(ctx, link.ID, &c); err != nil {
			return err
		}
		found = found || c != chassis{}
		if err := v.readHeat(ctx, c, r); err != nil {
			return err
		}
		if err := v.readSupply(ctx, c, r); err != nil {
			return err
		}
	}
	if !found {
		return errNoSensors
	}
	return nil
}

// readHeat reads temperatures and fans; where those are in the sensors'
// collection, all the sensors that stand there.
func (v *visit) readHeat(ctx context.Context, c chassis, r *metal.Reading) error {
	if c.Thermal.ID != "" {
		var t thermal
		err := v.get(ctx, c.Thermal.ID, &t)
		if err == nil {
			r.Sensors = append(r.Sensors, t.sensors()...)
			return nil
		}
		if !v.answered() || c.Sensors.ID == "" {
			return err
		}
	}
	if c.Sensors.ID == "" {
		return nil
	}
	list, err := members[sensor](ctx, v, c.Sensors.ID, 1)
	for _, one := range list {
		if got, ok := one.sensor(); ok {
			r.Sensors = append(r.Sensors, got)
		}
	}
	return err
}

// readSupply reads voltages, power supplies and consumption.
func (v *visit) readSupply(ctx context.Context, c chassis, r *metal.Reading) error {
	if c.Power.ID != "" {
		var p power
		err := v.get(ctx, c.Power.ID, &p)
		if err == nil {
			p.into(r)
			return nil
		}
		if !v.answered() || c.EnvironmentMetrics.ID == "" && c.PowerSubsystem.ID == "" {
			return err
		}
	}
	if c.EnvironmentMetrics.ID != "" {
		var m struct{ PowerWatts struct{ Reading figure } }
		if err := v.get(ctx, c.EnvironmentMetrics.ID, &m); err != nil {
			return err
		}
		addWatts(r, m.PowerWatts.Reading)
	}
	return v.readPowerSubsystem(ctx, c.PowerSubsystem, r)
}

func (v *visit) readPowerSubsystem(ctx context.Context, at reference, r *metal.Reading) error {
	if at.ID == "" {
		return nil
	}
	var subsystem struct{ PowerSupplies reference }
	if err := v.get(ctx, at.ID, &subsystem); err != nil || subsystem.PowerSupplies.ID == "" {
		return err
	}
	supplies, err := members[powerSupply](ctx, v, subsystem.PowerSupplies.ID, 1)
	for _, one := range supplies {
		r.Parts = append(r.Parts, one.part())
	}
	return err
}

// addWatts adds what a chassis consumes: a machine of two has both.
func addWatts(r *metal.Reading, f figure) {
	if f.value == nil {
		return
	}
	if r.Watts != nil {
		*r.Watts += *f.value
		return
	}
	watts := *f.value
	r.Watts = &watts
}

// limits are the thresholds of sensors in Thermal and Power.
type limits struct {
	LowerThresholdCritical, LowerThresholdNonCritical figure
	UpperThresholdCritical, UpperThresholdNonCritical figure
	UpperThresholdFatal, LowerThresholdFatal          figure
}

func (l limits) on(s metal.Sensor) metal.Sensor {
	s.LowCritical = cmp.Or(l.LowerThresholdCritical.value, l.LowerThresholdFatal.value)
	s.LowWarning = l.LowerThresholdNonCritical.value
	s.HighWarning = l.UpperThresholdNonCritical.value
	s.HighCritical = cmp.Or(l.UpperThresholdCritical.value, l.UpperThresholdFatal.value)
	return silent(s)
}

// silent takes the value of a sensor that measures nothing: BMCs fill in a 0,
// which is a dead fan to whoever reads on.
func silent(s metal.Sensor) metal.Sensor {
	if s.State == "absent" || s.State == "disabled" {
		s.Value = nil
	}
	return s
}

// thermal is the Thermal resource of a chassis.
type thermal struct {
	Temperatures []struct {
		Name, MemberID word
		ReadingCelsius figure
		Status         status
		limits
	}
	Fans []struct {
		Name, FanName, MemberID word
		Reading, ReadingRPM     figure // the latter from Redfish 1.0
		ReadingUnits, Units     word
		Status                  status
		limits
	}
}

func (t thermal) sensors() (list []metal.Sensor) {
	for _, one := range t.Temperatures {
		list = append(list, one.on(metal.Sensor{
			Name: string(cmp.Or(one.Name, one.MemberID)), Kind: metal.Temperature, Unit: "C",
			Value: one.ReadingCelsius.value, State: one.Status.said(),
		}))
	}
	for _, one := range t.Fans {
		unit := "RPM"
		if cmp.Or(one.ReadingUnits, one.Units) == "Percent" {
			unit = "%"
		}
		list = append(list, one.on(metal.Sensor{
			Name: string(cmp.Or(one.Name, one.FanName, one.MemberID)), Kind: metal.Fan, Unit: unit,
			Value: cmp.Or(one.Reading.value, one.ReadingRPM.value), State: one.Status.said(),
		}))
	}
	return list
}

// power is the Power resource of a chassis.
type power struct {
	PowerControl []struct{ PowerConsumedWatts figure }
	Voltages     []struct {
		Name, MemberID word
		ReadingVolts   figure
		Status         status
		limits
	}
	PowerSupplies []powerSupply
}

func (p power) into(r *metal.Reading) {
	for _, one := range p.Voltages {
		r.Sensors = append(r.Sensors, one.on(metal.Sensor{
			Name: string(cmp.Or(one.Name, one.MemberID)), Kind: metal.Volts, Unit: "V",
			Value: one.ReadingVolts.value, State: one.Status.said(),
		}))
	}
	for _, one := range p.PowerSupplies {
		r.Parts = append(r.Parts, one.part())
	}
	if len(p.PowerControl) > 0 { // the first is the whole, the others are shares of it
		addWatts(r, p.PowerControl[0].PowerConsumedWatts)
	}
}
