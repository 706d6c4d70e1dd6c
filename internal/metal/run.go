package metal

import "time"

// Holding is a claimed machine with what a run needs to know of it. A device
// that has no machine is held with an empty Claim.Machine.
type Holding struct {
	Claim  Claim
	Port   Port
	Plan   PlanID // what its time is measured by
	Limits Limits
	Was    DeviceState // the device's state before this claim
	Dirty  bool        // the machine may hold a tenant's data
	Named  bool        // its site has DNS zones
	Script bool        // the tenant's own iPXE script boots; nothing is installed
	Always bool        // the script each time, not the first time only
	Kexec  bool        // the agent leaves by kexec
	Erased bool        // the machine was once proven to be erased
	Turn   *Turn       `json:",omitempty"` // there is no machine yet: the device waits for one
}

// ClaimWish says which device a run takes, and what it is about to do with it.
type ClaimWish struct {
	Device          DeviceID
	Order           OrderID // empty for a run that nobody ordered
	Action          Action
	OperatingSystem OperatingSystemID // of a reinstall
	ScriptURL       string            // of a reinstall with the tenant's own script
}

// Limits say how long a machine of this plan may take before a run takes its
// next step. They come from the plan, because POST takes 3 minutes on one model
// and 30 on another.
type Limits struct {
	Boot      time.Duration // power-on to the agent's first word
	Install   time.Duration // agent's first word to an image proven on the disk; erasing counts too
	PhoneHome time.Duration // leaving the agent to the installed system's first word
	Prove     time.Duration `json:",omitzero"` // agent's first word to the end of its burn-in
}

// Ending is what a run leaves behind: the device's state, and what its order
// is told.
type Ending struct {
	Order   OrderID
	State   DeviceState
	Outcome string // why it went otherwise than ordered, in a sentence; empty where it did not
	Keep    bool   // the machine goes on booting what this run had it boot: rescue, the tenant's own script
}

// OrderStatus is how an order stands.
type OrderStatus struct {
	Order   OrderID
	Action  Action
	Device  DeviceID
	Project ProjectID
	Site    SiteID
	Plan    PlanID
	State   string // wanted, started, done, failed
	Outcome string
}

// Unsettled is a device in a state that only an open run may leave it in.
type Unsettled struct {
	Device  DeviceID
	Project ProjectID
	Site    SiteID
	Plan    PlanID
	Machine MachineID
	State   DeviceState
}

// Quarantine takes a machine out of use, under the claim that found it unfit.
type Quarantine struct {
	Claim  Claim
	Reason string
	// Keep leaves the device bound to the machine, with its addresses: its port
	// may still route them, so nobody else may have them.
	Keep bool
	// Ending ends the device too; nil where its run goes on with another machine.
	Ending *Ending
}

// LostOrder is an order that nobody sees to.
type LostOrder struct {
	Order  OrderID
	Device DeviceID
	Input  []byte // canonical JSON
}

// Spare is a machine that no device lives on.
type Spare struct {
	Machine MachineID
	Site    SiteID
	Plan    PlanID
	Run     string // the workflow that holds it; empty while it is idle
	Errand  Errand // what that run does, or what a run is to do
}

// NextBoot is what a run wants a machine to boot.
type NextBoot struct {
	Claim   Claim
	Attempt int    // 1, 2, …: one attempt of a claim is numbered once
	Job     Job    // what its agent is to do, or JobScript
	Brief   bool   // of JobProve: without a burn-in
	Run     string // the workflow that hears the boot's reports
}

// Booting is the boot that came of it.
type Booting struct {
	Number BootNumber
	Warm   bool // an agent was waiting and has the job: leave the power alone
}
