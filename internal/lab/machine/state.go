package machine

import (
	"time"

	"millwright/internal/metal"
)

// Phase is what a machine does at a moment.
type Phase string

const (
	Off          Phase = "off"
	POST         Phase = "post"           // firmware tests the hardware; no packet yet
	DHCP         Phase = "dhcp"           // firmware or iPXE asks for an address
	BootScript   Phase = "boot-script"    // iPXE fetches and runs its script
	Agent        Phase = "agent"          // the agent runs in RAM
	Rescue       Phase = "rescue"         // the agent lets the tenant in
	Booting      Phase = "booting"        // the system on the disk starts
	Running      Phase = "running"        // the system is up and has phoned home, or given up asking
	NoBootDevice Phase = "no-boot-device" // firmware found nothing to boot
	Hung         Phase = "hung"           // it has power and does nothing
)

// State is what can be seen of a machine from outside.
type State struct {
	ID       metal.MachineID  `json:"id"`
	Phase    Phase            `json:"phase"`
	Since    time.Time        `json:"since"`
	Detail   string           `json:"detail,omitempty"`  // why it is there, in words
	Address  string           `json:"address,omitempty"` // of its lease
	Boot     metal.BootNumber `json:"boot,omitempty"`    // of the agent that runs or ran last
	PowerOns int              `json:"power_ons"`
	InPOST   time.Duration    `json:"in_post"` // of all its boots so far: time that nobody but the machine takes
	Disks    []DiskState      `json:"disks"`
	Faults   []Fault          `json:"faults,omitempty"`
}

// DiskState is what is on a disk, and whose it is.
type DiskState struct {
	Serial    string           `json:"serial"`
	Empty     bool             `json:"empty"`
	Bytes     int              `json:"bytes"`                // of the image, however much of it was written
	SHA256    string           `json:"sha256,omitempty"`     // of those bytes
	Bootable  bool             `json:"bootable"`             // the image is whole
	FirstBoot *metal.FirstBoot `json:"first_boot,omitempty"` // as the installed system will read it
}

func (s *State) enter(phase Phase, detail string) {
	s.Phase, s.Detail, s.Since = phase, detail, time.Now()
}

// State is a picture of this moment.
func (m *Machine) State() State {
	m.mu.Lock()
	s := m.state
	m.mu.Unlock()
	s.Faults = m.Faults()
	for _, d := range m.disks {
		s.Disks = append(s.Disks, d.State())
	}
	return s
}
