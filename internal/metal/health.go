package metal

import "time"

// Health is what the issues of a machine come to.
type Health string

const (
	HealthUnknown  Health = "unknown" // nobody has looked yet
	HealthOK       Health = "ok"
	HealthDegraded Health = "degraded" // see its issues; it works
	HealthFailing  Health = "failing"  // takes no device
)

// SensorKind is what a sensor measures.
type SensorKind string

const (
	Temperature SensorKind = "temperature" // degrees Celsius
	Fan         SensorKind = "fan"         // revolutions per minute, or percent: see the unit
	Volts       SensorKind = "voltage"     // volts
	Watts       SensorKind = "power"       // watts
	Discrete    SensorKind = "discrete"    // a state, no number
)

// Sensor is one of a BMC's. Limits that the BMC does not give are nil.
type Sensor struct {
	Name  string     `json:"name"` // the BMC's own, such as "CPU1 Temp"
	Kind  SensorKind `json:"kind"`
	Unit  string     `json:"unit,omitempty"` // "C", "RPM", "%", "V", "W"
	Value *float64   `json:"value,omitempty"`
	State string     `json:"state,omitempty"` // the BMC's own word: "ok", "warning", "critical", "absent", "disabled"

	LowCritical  *float64 `json:"low_critical,omitempty"`
	LowWarning   *float64 `json:"low_warning,omitempty"`
	HighWarning  *float64 `json:"high_warning,omitempty"`
	HighCritical *float64 `json:"high_critical,omitempty"`
}

// LogEntry is one entry of a BMC's system event log.
type LogEntry struct {
	ID       string    `json:"id"` // the BMC's; starts again after the log was cleared
	At       time.Time `json:"at,omitzero"`
	Severity Severity  `json:"severity"`
	Sensor   string    `json:"sensor,omitempty"`
	Message  string    `json:"message"`
}

// Part is a component whose health the BMC knows: a disk, a DIMM, a power supply.
type Part struct {
	Kind   string `json:"kind"`   // "disk", "memory", "psu", "cpu"
	Name   string `json:"name"`   // slot or serial
	Health string `json:"health"` // "ok", "warning", "critical", "absent"
	Detail string `json:"detail,omitempty"`
}

// FirmwareVersion is one firmware of a machine.
type FirmwareVersion struct {
	Component string `json:"component"` // "bios", "bmc", else the BMC's own name in lower case
	Version   string `json:"version"`
	ID        string `json:"id,omitempty"` // the BMC's, to update it by
	Updatable bool   `json:"updatable,omitempty"`
}

// Reading is all that one patrol's visit to a BMC brings.
type Reading struct {
	Machine  MachineID         `json:"machine"`
	At       time.Time         `json:"at"`
	Power    Power             `json:"power"`
	Watts    *float64          `json:"watts,omitempty"` // consumption at this moment
	Sensors  []Sensor          `json:"sensors,omitempty"`
	Parts    []Part            `json:"parts,omitempty"`
	Log      []LogEntry        `json:"log,omitempty"`      // new ones since the mark that was asked for
	LogMark  string            `json:"log_mark,omitempty"` // where the log ended; opaque to all but the driver
	LogFull  bool              `json:"log_full,omitempty"`
	Cleared  bool              `json:"log_cleared,omitempty"` // the log was emptied since the mark; all of its entries are in Log
	Firmware []FirmwareVersion `json:"firmware,omitempty"`
	Missing  []string          `json:"missing,omitempty"` // what could not be read, and why, in words
}

// MachineIdentity is who a BMC says that its machine is.
type MachineIdentity struct {
	Protocol    Protocol          `json:"protocol"`
	Fingerprint string            `json:"fingerprint,omitempty"`
	CipherSuite string            `json:"cipher_suite,omitempty"`
	Vendor      string            `json:"vendor,omitempty"`
	Model       string            `json:"model,omitempty"`
	Serial      string            `json:"serial,omitempty"`
	UUID        string            `json:"uuid,omitempty"`
	MACs        []string          `json:"macs,omitempty"` // of its network cards, lower case with colons
	Firmware    []FirmwareVersion `json:"firmware,omitempty"`
}

// BMCWish is how a BMC and the firmware's settings should be. What is zero is
// left as it is.
type BMCWish struct {
	User     string            // the only user that may log in
	Keep     []string          // other users that stay, such as those of the vendor that cannot be removed
	Boot     Firmware          // boot mode
	Settings map[string]string // BIOS attributes, by the vendor's name
	Address  string            // of the BMC's LAN; "" leaves LAN settings alone
	InBand   bool              // true leaves the way in from the machine open
}

// BMCRecord is what the governor has learnt of a BMC.
type BMCRecord struct {
	Machine    MachineID
	Protocol   Protocol      // that works; empty: as declared
	ProtocolAt time.Time     // since when it is another than declared
	Gap        time.Duration // least time between two commands, as learnt; 0: the usual one
	Score      float64       // 0 is reliable, 1 never answers: share of conversations that failed, of late
	Failures   int           // in a row
	RestsUntil time.Time     // nobody asks it before
	LastError  string
	LastOK     time.Time
	ResetAt    time.Time // its last cold reset
	UsedAt     time.Time // end of its last conversation, whatever came of it
}
