package metal

import "time"

// Machine is a physical server as a run needs it: where it stands, how to
// power it, and the port its first NIC boots from.
type Machine struct {
	ID       MachineID
	Site     SiteID
	Rack     RackID
	Plan     PlanID
	Firmware Firmware
	Kexec    bool // whether this model's drivers survive a kexec; else a cold reboot
	BMC      BMC
	Port     Port // where its first NIC is plugged in
	Proven   bool // it was once found to be as its plan says, its BMC's settings among it
}

// Firmware is how a machine finds its first boot program.
type Firmware string

const (
	BIOS Firmware = "bios"
	UEFI Firmware = "uefi"
)

// Protocol is what a BMC speaks.
type Protocol string

const (
	Redfish Protocol = "redfish"
	IPMI    Protocol = "ipmi"
)

// BMC is a machine's management controller as its driver needs it.
type BMC struct {
	Machine     MachineID
	Address     string // host:port; 443 for Redfish and 623 for IPMI where none is given
	Protocol    Protocol
	Credential  string // name of a credential, never the credential
	Fingerprint string // SHA-256 of the Redfish certificate, lower-case hex; what is pinned
	CipherSuite string // IPMI 2.0 cipher suite, "3" or "17"; empty tries none and takes 3
	Console     string // NoConsole, or empty: the BMC is asked what it has
	Sessions    int    // how many sessions it holds at once; 0 is enough, at 1 its console yields to commands

	Gap    time.Duration // least time between two commands; 0: the usual one
	Second BMCWay        // where it is asked when the first way fails; zero: nowhere
}

// BMCWay is a second way to the same BMC, with the same credential.
type BMCWay struct {
	Protocol Protocol
	Address  string // host:port, with the same defaults
}

// Power is what a BMC says of its machine.
type Power string

const (
	On  Power = "on"
	Off Power = "off"
)

// BootDevice is what a machine boots next.
type BootDevice string

const (
	BootNetwork BootDevice = "network"
	BootDisk    BootDevice = "disk"
)

// Claim is the right to touch a machine. Every claim raises the machine's
// epoch, and every write and every device call names the epoch it was given,
// so that what is left of an earlier run (a timed-out attempt, a terminated
// run's last activity) changes nothing.
type Claim struct {
	Device  DeviceID
	Machine MachineID
	Epoch   int64
}

// Credential is a user name and a password as a driver needs them, for the
// moment of one session. It is never logged: String hides it.
type Credential struct {
	User     string
	Password string
}

// String hides the password from every log and error that prints a Credential.
func (c Credential) String() string { return c.User + ":***" }

// GoString hides the password from %#v.
func (c Credential) GoString() string { return c.String() }
