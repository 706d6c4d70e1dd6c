package api

import (
	"math/big"
	"strconv"

	"millwright/internal/metal"
)

// usageTypes are what Packet called devices, and words like it for the rest.
var usageTypes = map[metal.UsageKind]string{
	metal.DeviceUsage: "Instance", metal.AddressUsage: "IPReservation", metal.HardwareUsage: "HardwareReservation", metal.EgressUsage: "Bandwidth",
}

func usageWire(r metal.UsageRecord) Usage {
	u := Usage{
		ID: r.ID(), Facility: string(r.Site), Name: r.Hostname, Plan: string(r.Plan), Type: usageTypes[r.Kind],
		Unit: "hour", Quantity: hours(r), From: stamp(r.Since), To: stamp(r.Until), Seconds: r.Seconds(), Count: r.Count(), Bytes: r.Octets, Open: r.Open,
	}
	switch {
	case r.Kind == metal.EgressUsage:
		u.Unit, u.Quantity = "byte", strconv.FormatUint(r.Octets, 10)
	case r.Prefix.IsValid():
		u.Name = r.Prefix.String()
	case u.Name == "":
		u.Name = r.Thing
	}
	return u
}

// hours of all that a record counts, as text, so that no float loses any.
func hours(r metal.UsageRecord) string {
	seconds := new(big.Int).Mul(big.NewInt(r.Seconds()), new(big.Int).SetUint64(r.Count()))
	return new(big.Rat).SetFrac(seconds, big.NewInt(3600)).FloatString(6)
}
