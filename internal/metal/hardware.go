package metal

import "time"

// HardwareReservationID is a lower-case UUID.
type HardwareReservationID string

// NextAvailable is what an order says for whichever of its project's reserved
// machines is free.
const NextAvailable HardwareReservationID = "next-available"

// HardwareReservation keeps one machine for one project, until it is ended.
type HardwareReservation struct {
	ID       HardwareReservationID
	Project  ProjectID
	Machine  MachineID // operators know it by this name; tenants do not
	Site     SiteID
	Plan     PlanID
	Switch   SwitchID // that its first NIC hangs on
	State    MachineState
	Device   DeviceID // that has the machine, or was promised it; empty while it is free
	Hostname string   // the device's
	Made     time.Time
}

// Provisionable reports whether a device can be ordered onto it now.
func (r HardwareReservation) Provisionable() bool { return r.State == Idle && r.Device == "" }

// Stock is how many machines of a plan a site has for everybody, and how many
// of them the next orders get.
type Stock struct {
	Site     SiteID
	Metro    string
	Plan     PlanID
	Machines int
	Free     int
}

// NIC is one network interface of the machine that a device lives on.
type NIC struct {
	Device   DeviceID
	Machine  MachineID
	Position int // 0 boots
	MAC      string
}
