package redfish

import (
	"fmt"

	"millwright/internal/metal"
)

func enclosure(b *BMC) object {
	return resource(enclosurePath, "Chassis.v1_14_0.Chassis", b.name, object{
		"ChassisType": "RackMount", "Manufacturer": b.hardware.Vendor, "Model": b.hardware.Model, "SerialNumber": b.hardware.Serial,
		"Status":  object{"State": "Enabled", "Health": b.health(), "HealthRollup": b.health()},
		"Thermal": link(thermalPath), "Power": link(powerPath),
		"Links": object{"ComputerSystems": []object{link(systemPath)}, "ManagedBy": []object{link(managerPath)}},
	})
}

// list makes one element of an array property for each sensor of a kind.
func (b *BMC) list(kind metal.SensorKind, at string, show func(sensor, *float64) object) []object {
	all := []object{}
	for _, s := range sensorTable {
		if s.kind != kind {
			continue
		}
		value := b.reading(s)
		o := s.limits(show(s, value))
		o["@odata.id"] = fmt.Sprintf("%s/%d", at, len(all))
		o["MemberId"], o["Name"], o["Status"] = fmt.Sprint(len(all)), s.name, s.status(value)
		all = append(all, o)
	}
	return all
}

func thermal(b *BMC) object {
	return resource(thermalPath, "Thermal.v1_7_0.Thermal", "Thermal", object{
		"Temperatures": b.list(metal.Temperature, thermalPath+"#/Temperatures", func(s sensor, value *float64) object {
			return object{"ReadingCelsius": value, "PhysicalContext": s.context}
		}),
		"Fans": b.list(metal.Fan, thermalPath+"#/Fans", func(_ sensor, value *float64) object {
			return object{"Reading": value, "ReadingUnits": "RPM"}
		}),
	})
}

func powerView(b *BMC) object {
	const supply, supplies = 750, 2
	var watts float64
	control := b.list(metal.Watts, powerPath+"#/PowerControl", func(_ sensor, value *float64) object {
		watts = *value // power is read on or off
		return object{"PowerConsumedWatts": value, "PowerCapacityWatts": supply * supplies}
	})
	var psus []object
	for i := range supplies {
		psus = append(psus, object{
			"@odata.id": fmt.Sprintf("%s#/PowerSupplies/%d", powerPath, i), "MemberId": fmt.Sprint(i), "Name": fmt.Sprintf("PS%d", i+1),
			"PowerCapacityWatts": supply, "LineInputVoltage": 230, "LastPowerOutputWatts": watts / supplies,
			"SerialNumber": fmt.Sprintf("%s-P%d", b.hardware.Serial, i+1), "Status": statusOf(healthOK),
		})
	}
	return resource(powerPath, "Power.v1_7_0.Power", "Power", object{
		"PowerControl": control, "PowerSupplies": psus,
		"Voltages": b.list(metal.Volts, powerPath+"#/Voltages", func(_ sensor, value *float64) object {
			return object{"ReadingVolts": value}
		}),
	})
}
