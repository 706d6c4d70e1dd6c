package metal

// DeviceState is where a device is in its life. The words are those of the
// Packet API, because customers' tools wait for them.
type DeviceState string

const (
	Queued         DeviceState = "queued"         // ordered; no machine yet
	Provisioning   DeviceState = "provisioning"   // a run is installing it
	Active         DeviceState = "active"         // the tenant's system is up
	Inactive       DeviceState = "inactive"       // powered off on request
	PoweringOn     DeviceState = "powering_on"    // a Power run is at it
	PoweringOff    DeviceState = "powering_off"   // a Power run is at it
	Reinstalling   DeviceState = "reinstalling"   // a run is installing another system
	Failed         DeviceState = "failed"         // keeps what it holds; reinstall or deprovision it
	Deprovisioning DeviceState = "deprovisioning" // a run is taking it apart
	Deleted        DeviceState = "deleted"        // gone; holds nothing
)

// MachineState says who may use a machine.
type MachineState string

const (
	Enrolled    MachineState = "enrolled"    // came in; not proven to be what its plan says
	Idle        MachineState = "idle"        // erased, parked, free to be claimed
	Claimed     MachineState = "claimed"     // bound to a device, a run is working on it
	Occupied    MachineState = "occupied"    // a device lives on it, no run is working on it
	Quarantined MachineState = "quarantined" // nobody touches it until a person, or a proof, frees it
	Maintenance MachineState = "maintenance" // a person has it, until a date
	Retired     MachineState = "retired"     // erased and gone; the row stays for what it did
)

// Action is what an order wants of a device.
type Action string

const (
	ActionProvision   Action = "provision"
	ActionReinstall   Action = "reinstall"
	ActionDeprovision Action = "deprovision"
	ActionPowerOn     Action = "power-on"
	ActionPowerOff    Action = "power-off"
	ActionReboot      Action = "reboot"
	ActionRescue      Action = "rescue"
)

// Two more actions take a device for our own ends; nobody can order them.
const (
	// ActionAbandon takes what a provision began, where its claim's answer was
	// lost; a device in any other state is not that provision's to touch.
	ActionAbandon Action = "abandon"
	// ActionRecover takes a device that a lost run left in a state that only an
	// open run may leave it in.
	ActionRecover Action = "recover"
)
