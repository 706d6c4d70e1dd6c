package metal

import "time"

// NoConsole marks a BMC whose serial console is not to be read.
const NoConsole = "none"

// ConsoleWatch is a machine whose serial console is to be read.
type ConsoleWatch struct {
	BMC    BMC
	Device DeviceID // empty where the machine is nobody's
	Epoch  int64
	Boot   BootNumber
	Run    string // the workflow that is told of this boot; empty when nobody waits
	// Recorded says whether what is printed is kept: while a run is at work, and
	// not because a tenant sits at it.
	Recorded bool
}

// ConsoleWish is a keeper's wish for one console. Keepers are processes, and
// two of them never read the same console.
type ConsoleWish struct {
	Machine  MachineID
	Keeper   string
	Lease    time.Duration // how long it stays the keeper's if it is not heard of again
	Attached bool          // whether somebody sits at it: nobody else gets it meanwhile
	Command  bool          // whether its BMC is needed for a command: that goes before whoever sits there
}

// ConsoleLease is what a keeper got.
type ConsoleLease struct {
	Held bool // it is this keeper's
	Free bool // and whoever had it before has closed it
}

// ConsoleSeat is what decides who may sit at a device's console.
type ConsoleSeat struct {
	Machine MachineID
	Site    SiteID
	State   DeviceState
	Agent   bool     // the agent is on the machine, or may be: nobody else types there
	SSHKeys []string // in authorized_keys form, as the tenant gave them
}
