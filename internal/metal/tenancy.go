package metal

import (
	"encoding/json"
	"net/netip"
	"time"
)

// BootMachine is what a site's boot services know of one machine: enough to
// answer its DHCP, its boot script and its metadata from memory.
type BootMachine struct {
	ID        MachineID
	Port      Port // where its first NIC is; a relay names it
	MACs      []string
	Firmware  Firmware
	Install   Link
	Addresses []netip.Addr // every address it may speak from: the machine's end of each link
	Intent    BootIntent
	Tenancy   *Tenancy // nil while no device lives on it
}

// BootIntent is what a machine should boot next, numbered.
type BootIntent struct {
	Number BootNumber
	Agent  bool // the agent over the network; else its disk
	Script bool // the tenant's own iPXE script
}

// Tenancy is what a machine is told about the device that lives on it.
type Tenancy struct {
	Device          DeviceID
	Project         ProjectID
	Site            SiteID
	Plan            PlanID
	Hostname        string
	OperatingSystem OperatingSystem
	Leases          []Lease
	SSHKeys         []string // authorized_keys lines
	Tags            []string
	UserData        []byte // as the tenant gave it; at most 64 KiB

	Metro      string
	State      DeviceState
	CreatedAt  time.Time
	CustomData json.RawMessage // a JSON object, the tenant's own
	ScriptURL  string          // the tenant's iPXE script; empty where the user data is one, or there is none
	AlwaysPXE  bool            // boot the script each time, not the first time only
}

// OperatingSystem is what can be installed.
type OperatingSystem struct {
	ID        OperatingSystemID
	Name      string // "Debian 12 (bookworm)"
	Distro    string // "debian"
	Version   string // "12"
	Arch      string // "x86_64" or "aarch64"
	FirstBoot FirstBootMethod
	Image     Image // none where the tenant's own script is booted
}

// Image is a disk image as boot serves it.
type Image struct {
	ID   string // in the site's image store: 64 lower-case hex digits, from which all of it is proven
	Size int64  // bytes of the disk that it makes
}

// AgentJob is what an agent is handed when it asks, read from Postgres at that
// moment. Only an install carries an image.
type AgentJob struct {
	Job     Job
	Image   Image
	Storage json.RawMessage // layout of the disks; nil: the default
	Erase   EraseMode
	Kexec   bool   // leave by kexec; else reboot
	BurnIn  BurnIn // of JobProve; zero where nothing is to be tested
}

// RecordedReport is a report that stands in Postgres, with the run it is for.
type RecordedReport struct {
	ID     int64
	Run    string // the workflow ID, "device/<id>"
	Report Report
}
