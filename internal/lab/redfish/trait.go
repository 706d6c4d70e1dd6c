package redfish

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"millwright/internal/metal"
)

// Traits are what is the matter with the machine, as its BMC sees it, until the
// fault is cleared.
const (
	HotCPU       = "hot-cpu"       // the processor is past its critical temperature
	DeadFan      = "dead-fan"      // a fan stands still
	FailingDisk  = "failing-disk"  // a drive predicts its failure
	MemoryErrors = "memory-errors" // a DIMM has errors that were not corrected, and the event log says so
)

// Deeds are what somebody did to the BMC. They are done when the fault is set,
// and stay done until they are put right over Redfish.
const (
	WrongFirmware = "wrong-firmware" // somebody flashed another BIOS
	ExtraUser     = "extra-user"     // somebody made an administrator of their own
	ChangedLAN    = "changed-lan"    // somebody gave the BMC another address
	ChangedBIOS   = "changed-bios"   // somebody changed firmware settings
	BootEntry     = "boot-entry"     // somebody put an entry of their own before all others
)

// Two more deeds say in their name what was done: "sensor:CPU1 Temp=97" until
// the faults are cleared, and "log:critical:some words" for ever.
const (
	sensorDeed = "sensor:"
	logDeed    = "log:"
)

// otherBIOS is nobody's baseline.
const otherBIOS = "1.0.9"

// deeds by their names. Each wants the lock.
var deeds = map[string]func(*BMC){
	WrongFirmware: func(b *BMC) { b.firmware[biosFirmware].current = otherBIOS },
	ExtraUser: func(b *BMC) {
		b.addAccount(account{user: "backdoor", password: "their-own-secret", role: administrator, enabled: true})
	},
	ChangedLAN: func(b *BMC) { b.lan = lan{address: "203.0.113.66", dhcp: true} },
	ChangedBIOS: func(b *BMC) {
		b.bios.set = map[string]string{"SysProfile": "PerfPerWattOptimizedOs", "ProcVirtualization": disabled}
	},
	BootEntry: func(b *BMC) {
		b.entries = append([]bootOption{foreignEntry}, slices.DeleteFunc(b.bootOptions(), func(o bootOption) bool { return o == foreignEntry })...)
	},
}

// traitNames and what the event log says when a trait begins.
var traitNames = map[string]metal.LogEntry{
	HotCPU:      {Severity: metal.Failing, Sensor: "CPU1 Temp", Message: "CPU1 Temp: upper critical going high"},
	DeadFan:     {Severity: metal.Failing, Sensor: "FAN1", Message: "FAN1: lower critical going low"},
	FailingDisk: {Severity: metal.Degraded, Sensor: "Disk.1", Message: "Disk.1: predictive failure"},
	MemoryErrors: {Severity: metal.Failing, Sensor: "DIMM_A1",
		Message: "DIMM_A1: uncorrectable ECC error"},
}

// do does what a fault means at the moment when it is set, and says whether
// that is all of it. It wants the lock.
func (b *BMC) do(f Fault) (all bool) {
	if deed, ok := deeds[f.Name]; ok {
		deed(b)
		return true
	}
	if name, value, ok := sensorOf(f.Name); ok {
		b.setSensor(name, value)
		return true
	}
	if entry, ok := entryOf(f.Name); ok {
		b.events.add(entry)
		return true
	}
	if entry, ok := traitNames[f.Name]; ok {
		b.events.add(entry)
	}
	return false
}

// sensorOf reads "sensor:CPU1 Temp=97".
func sensorOf(fault string) (name string, value float64, ok bool) {
	rest, found := strings.CutPrefix(fault, sensorDeed)
	name, number, split := strings.Cut(rest, "=")
	value, err := strconv.ParseFloat(number, 64)
	return name, value, found && split && err == nil && knownSensor(name)
}

// entryOf reads "log:critical:some words".
func entryOf(fault string) (metal.LogEntry, bool) {
	rest, found := strings.CutPrefix(fault, logDeed)
	word, message, _ := strings.Cut(rest, ":")
	severity, known := map[string]metal.Severity{"ok": metal.Note, "warning": metal.Degraded, "critical": metal.Failing}[word]
	return metal.LogEntry{Severity: severity, Message: message}, found && known && message != ""
}

// parseDeed checks the faults whose names say more. None of them is an error.
func parseDeed(name string) (is bool, err error) {
	switch {
	case strings.HasPrefix(name, sensorDeed):
		if _, _, ok := sensorOf(name); !ok {
			err = fmt.Errorf(`fault %q: want "sensor:NAME=NUMBER" with one of %s`, name, strings.Join(SensorNames(), ", "))
		}
		return true, err
	case strings.HasPrefix(name, logDeed):
		if _, ok := entryOf(name); !ok {
			err = fmt.Errorf(`fault %q: want "log:ok:WORDS", "log:warning:WORDS" or "log:critical:WORDS"`, name)
		}
		return true, err
	}
	return false, nil
}
