package machine

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// FaultName says what goes wrong. Names are what people and scripts write.
type FaultName string

const (
	NeverBoots      FaultName = "never-boots"       // power on: POST never ends
	BootsOldDisk    FaultName = "boots-old-disk"    // power on: the override is ignored
	DHCPLost        FaultName = "dhcp-lost"         // DHCP: a message is lost on its way
	StaleToken      FaultName = "stale-token"       // agent: shows the token of an earlier boot
	AgentDies       FaultName = "agent-dies"        // agent: the kernel panics half way through the image
	EraseUnproven   FaultName = "erase-unproven"    // agent: a disk says it erased itself, and did not
	DiskError       FaultName = "disk-error"        // agent: the disk refuses to write half way through
	NoKexec         FaultName = "no-kexec"          // agent: the kernel on the disk cannot be loaded
	SilentSystem    FaultName = "silent-system"     // installed system: never phones home
	StalePhoneHome  FaultName = "stale-phone-home"  // installed system: reports an earlier boot's number
	PhonesHomeTwice FaultName = "phones-home-twice" // installed system: says it again when it was heard
	Slow            FaultName = "slow"              // each stage of a boot begins Delay later
	BurnInFails     FaultName = "burn-in-fails"     // agent: the memory fails under load
	SlowDisk        FaultName = "slow-disk"         // agent: a disk passes its test at a tenth of its speed

	// What follows is the matter with the machine for as long as it is set,
	// whatever Times says.

	MissingDIMM     FaultName = "missing-dimm"     // its last module is not found
	WrongDisk       FaultName = "wrong-disk"       // its first disk has half the size
	MissingDisk     FaultName = "missing-disk"     // its last disk is not found
	FailingDisk     FaultName = "failing-disk"     // its first disk says that it fails
	SwappedCables   FaultName = "swapped-cables"   // it hears what its twin should; a lab sets both
	NoLLDP          FaultName = "no-lldp"          // it hears nobody
	DuplicateSerial FaultName = "duplicate-serial" // it has the serial of its twin
	WrongBootMode   FaultName = "wrong-boot-mode"  // it boots by BIOS where it should by UEFI, or the other way
)

// faultNames are all of them, in the order in which errors list them.
var faultNames = []FaultName{
	NeverBoots, BootsOldDisk, DHCPLost, StaleToken, AgentDies, EraseUnproven,
	DiskError, NoKexec, SilentSystem, StalePhoneHome, PhonesHomeTwice, Slow,
	BurnInFails, SlowDisk, MissingDIMM, WrongDisk, MissingDisk, FailingDisk,
	SwappedCables, NoLLDP, DuplicateSerial, WrongBootMode,
}

// Fault is one thing that goes wrong, and how often.
type Fault struct {
	Name  FaultName     `json:"name"`
	Times int           `json:"times,omitempty"` // how often it still strikes; 0 is until cleared
	Delay time.Duration `json:"delay,omitempty"` // for Slow
}

// ParseFault checks a fault given by name, as people type it.
func ParseFault(name string, times int, delay time.Duration) (Fault, error) {
	fault := Fault{Name: FaultName(name), Times: times, Delay: delay}
	if !slices.Contains(faultNames, fault.Name) {
		words := make([]string, len(faultNames))
		for i, n := range faultNames {
			words[i] = string(n)
		}
		return Fault{}, fmt.Errorf("machine fault %q: unknown; known are %s", name, strings.Join(words, ", "))
	}
	if times < 0 || delay < 0 {
		return Fault{}, fmt.Errorf("machine fault %q: times %d and delay %s must not be negative", name, times, delay)
	}
	if fault.Name == Slow && delay == 0 {
		return Fault{}, fmt.Errorf("machine fault %q: give it a delay, such as 2s", name)
	}
	return fault, nil
}

// SetFault makes something go wrong from now on. It replaces an earlier fault
// of the same name; faults of other names stay.
func (m *Machine) SetFault(f Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults[f.Name] = &f
}

// ClearFaults ends every fault. What a fault has already done stays done.
func (m *Machine) ClearFaults() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.faults)
}

// ClearFault ends one fault.
func (m *Machine) ClearFault(name FaultName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.faults, name)
}

// has says whether something is the matter, without spending a chance of it.
func (m *Machine) has(name FaultName) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.faults[name] != nil
}

// Faults are those still to strike.
func (m *Machine) Faults() (active []Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range faultNames {
		if f := m.faults[name]; f != nil {
			active = append(active, *f)
		}
	}
	return active
}

// strike spends one chance of a fault and tells whether it goes wrong now.
func (m *Machine) strike(name FaultName) (Fault, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.faults[name]
	if f == nil {
		return Fault{}, false
	}
	struck := *f
	if f.Times == 1 {
		delete(m.faults, name)
	} else if f.Times > 1 {
		f.Times--
	}
	return struck, true
}
