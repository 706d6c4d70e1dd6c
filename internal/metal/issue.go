package metal

import "time"

// IssueKind names what is the matter with a machine. Kinds stand in rows,
// metrics and runbooks, and are never renamed.
type IssueKind string

// Severity is what an issue means for who may use the machine.
type Severity string

const (
	// Note is for operators to know, and changes nothing.
	Note Severity = "note"
	// Degraded machines work; one that nobody uses is not given out before a
	// person has looked, where its kind says so.
	Degraded Severity = "degraded"
	// Failing machines take no device, and the tenant of one is told.
	Failing Severity = "failing"
)

// Look is an occasion at which issues are found. What a look does not find any
// more is closed by it; it says nothing of the kinds of other looks.
type Look string

const (
	LookEnrol   Look = "enrol"   // the BMC, when the machine comes in
	LookBMC     Look = "bmc"     // the BMC's settings and firmware, around each tenant
	LookCompare Look = "compare" // what the agent found, held against plan and cabling
	LookBurnIn  Look = "burn-in" // what the burn-in found
	LookPatrol  Look = "patrol"  // sensors, event log, disks and memory, while it lives
	LookPerson  Look = "person"  // a person says so
	LookSurvey  Look = "survey"  // switches and BMCs, held against records that were restored
)

// Finding is one thing that a look found.
type Finding struct {
	Kind     IssueKind `json:"kind"`
	Part     string    `json:"part,omitempty"` // which one: a slot, a disk's serial, a sensor, a NIC
	Detail   string    `json:"detail"`         // what was expected and what is there, in a sentence
	Severity Severity  `json:"severity"`
}

// Blocks reports whether a machine with this finding is kept from becoming idle
// by itself: whatever is failing, and what is not as declared, even where it
// works. Wear is none of that, and a patrol's warnings pass.
func (f Finding) Blocks(look Look) bool {
	return f.Severity == Failing || f.Severity == Degraded && look != LookPatrol && f.Kind != WornDisk
}

// Issue is a finding on record, from when it was first found until a look does
// not find it any more.
type Issue struct {
	ID      int64
	Machine MachineID
	Look    Look
	Finding
	Opened time.Time
	Seen   time.Time // when it was last found
	Closed time.Time // zero while it is open
}

// The kinds of issues. IssueKinds says what each means.
const (
	NoInventory     IssueKind = "no-inventory"
	WrongCPU        IssueKind = "wrong-cpu"
	MissingMemory   IssueKind = "missing-memory"
	WrongMemory     IssueKind = "wrong-memory"
	MissingDisk     IssueKind = "missing-disk"
	WrongDisk       IssueKind = "wrong-disk"
	ExtraDisk       IssueKind = "extra-disk"
	FailingDisk     IssueKind = "failing-disk"
	WornDisk        IssueKind = "worn-disk"
	MissingNIC      IssueKind = "missing-nic"
	WrongMAC        IssueKind = "wrong-mac"
	SwappedCables   IssueKind = "swapped-cables"
	NoLLDP          IssueKind = "no-lldp"
	SlowLink        IssueKind = "slow-link"
	WrongFirmware   IssueKind = "wrong-firmware"
	WrongBootMode   IssueKind = "wrong-boot-mode"
	DuplicateSerial IssueKind = "duplicate-serial"
	WrongSerial     IssueKind = "wrong-serial"
	BurnInFailed    IssueKind = "burn-in-failed"
	HotCPU          IssueKind = "hot-cpu"
	HotPart         IssueKind = "hot-part"
	DeadFan         IssueKind = "dead-fan"
	Voltage         IssueKind = "voltage"
	PowerSupply     IssueKind = "power-supply"
	MemoryErrors    IssueKind = "memory-errors"
	SensorAlarm     IssueKind = "sensor-alarm"
	EventLogFull    IssueKind = "event-log-full"
	BMCSilent       IssueKind = "bmc-silent"
	BMCRefuses      IssueKind = "bmc-refuses"
	BMCFlaky        IssueKind = "bmc-flaky"
	BMCIdentity     IssueKind = "bmc-identity"
	BMCUsers        IssueKind = "bmc-users"
	BMCNetwork      IssueKind = "bmc-network"
	BMCSettings     IssueKind = "bmc-settings"
	InBandOpen      IssueKind = "in-band-open"
	BootOrder       IssueKind = "boot-order"
	OutOfPlace      IssueKind = "out-of-place"
	Manual          IssueKind = "manual"

	RestoredDifferently IssueKind = "restored-differently"
)

// Known is what is known of a kind of issue.
type Known struct {
	Kind    IssueKind
	Look    Look
	Default Severity
	Means   string // what was seen
	Cause   string // what it usually comes from
	Cure    string // what to do
}

// IssueKinds is what operators read about each kind; docs/issues.md is held
// against it.
var IssueKinds = []Known{
	{NoInventory, LookCompare, Note, "no agent has said what the machine is made of in this boot", "an agent that is older than its boot services, or an inventory above its limit", "commission the machine; see the agent's log"},
	{WrongCPU, LookCompare, Failing, "processors are not the plan's", "a processor is missing or disabled, or the plan is wrong", "reseat or replace the processor, or correct the plan; then commission"},
	{MissingMemory, LookCompare, Failing, "there is less memory than the plan says", "a DIMM failed training, is loose or is missing", "reseat or replace the DIMM that is named; then commission"},
	{WrongMemory, LookCompare, Degraded, "there is more memory than the plan says", "the machine belongs to another plan", "correct the plan, or move the machine to the plan that it is; then commission"},
	{MissingDisk, LookCompare, Failing, "a disk of the plan is not there", "the disk, its cable or its slot is dead, or a RAID controller hides it", "reseat or replace the disk; then commission"},
	{WrongDisk, LookCompare, Failing, "a disk has another size or type than the plan says, or another serial than declared", "it was replaced by what was at hand", "replace it, or correct the plan or the serial; then commission"},
	{ExtraDisk, LookCompare, Degraded, "there are more disks than the plan says", "a disk of another machine, perhaps with data on it", "take it out, or correct the plan; then commission"},
	{FailingDisk, LookCompare, Failing, "a disk says that it fails", "wear, a fault, or a fall: its own verdict is in the details", "replace the disk; then commission"},
	{WornDisk, LookCompare, Degraded, "a disk works and says that it will not for ever", "flash that has used up its rated writes, sectors that were reallocated, heat", "replace the disk at the next occasion; then commission"},
	{MissingNIC, LookCompare, Failing, "a declared network card is not there", "the card is dead, disabled or was replaced", "reseat or replace the card, or correct its MAC in the site's file; then commission"},
	{WrongMAC, LookCompare, Degraded, "a network card has another MAC than declared", "the card was replaced", "correct the MAC in the site's file, and import it; then commission"},
	{SwappedCables, LookCompare, Failing, "a switch port is not the declared one", "two cables are swapped, or the site's file is wrong", "move the cable, or correct the site's file; then commission"},
	{NoLLDP, LookCompare, Degraded, "no neighbour was heard on a declared port, or one that does not say which port it is", "the cable is out, or the switch does not send LLDP on the port, or not the port's name", "check the link; on Junos `set protocols lldp interface all` and `set protocols lldp port-id-subtype interface-name`; then commission"},
	{SlowLink, LookCompare, Degraded, "a network card links slower than the plan says", "a bad cable or transceiver, or the port's settings", "replace the cable or the transceiver; see the switch's port; then commission"},
	{WrongFirmware, LookBMC, Degraded, "a firmware is not the plan's baseline", "the machine is new, a part was replaced, or somebody flashed it", "starter machine firmware update; where a tenant had the machine, ask why before"},
	{WrongBootMode, LookCompare, Failing, "the machine booted in the other mode than declared", "BIOS settings were lost or changed", "commission, which sets it; if it stays, replace the CMOS battery"},
	{DuplicateSerial, LookCompare, Failing, "another machine has the same serial", "one machine is declared twice, or a board was replaced and not labelled", "retire the wrong one, or write the serial anew with the vendor's tool; then commission"},
	{WrongSerial, LookCompare, Failing, "the serial is not the one that this machine had", "another machine stands in its place, or its board was replaced", "put it back, or retire this one and enrol the other; starter machine accept-serial where the board was replaced"},
	{BurnInFailed, LookBurnIn, Failing, "a test under load failed", "the part that is named", "see the results; replace the part; then commission"},
	{HotCPU, LookPatrol, Failing, "a processor is at its critical temperature", "a fan, a heat sink or the room's air", "check fans and air; then release or commission"},
	{HotPart, LookPatrol, Degraded, "a part is above its warning temperature", "a fan, dust or the room's air", "check fans and air"},
	{DeadFan, LookPatrol, Failing, "a fan does not turn", "the fan is dead or unplugged", "replace the fan; then commission"},
	{Voltage, LookPatrol, Failing, "a voltage is out of its limits", "a power supply or the board", "replace the power supply; then commission"},
	{PowerSupply, LookPatrol, Degraded, "a power supply is out or has no input", "its cord, its breaker, or itself", "check the cord and the breaker; replace it"},
	{MemoryErrors, LookPatrol, Failing, "memory has errors that were not corrected, or too many that were", "the DIMM that is named", "replace the DIMM; then commission"},
	{SensorAlarm, LookPatrol, Degraded, "a sensor is past its limits", "what it measures", "see starter machine health"},
	{EventLogFull, LookPatrol, Note, "the event log is nearly full and takes no new entries soon", "use", "starter machine clear-log, once its entries are kept"},
	{BMCSilent, LookPatrol, Failing, "the BMC does not answer", "it hangs, its cable is out, or its address changed", "starter machine reset-bmc; else pull the machine's cords for a minute"},
	{BMCRefuses, LookPatrol, Failing, "the BMC refuses the password", "it was reset, or somebody changed it", "set the site's first password on it by hand; then commission, which makes a new one"},
	{BMCFlaky, LookPatrol, Degraded, "the BMC answers some of the time", "old firmware, or too many commands", "update its firmware; starter machine bmc shows its record"},
	{BMCIdentity, LookPatrol, Failing, "the BMC's certificate is not the pinned one", "it was reset or replaced, or it is not that machine", "check what is there; then starter machine enrol it again"},
	{BMCUsers, LookBMC, Failing, "the BMC had users that are not ours", "the last tenant, or a technician, added them", "they are removed; find out who came in; then commission"},
	{BMCNetwork, LookBMC, Failing, "the BMC's LAN settings were not the declared ones", "the last tenant, or a technician, changed them", "they are set back; find out who came in; then commission"},
	{BMCSettings, LookBMC, Failing, "firmware settings were not the plan's", "the last tenant changed them, or the battery is empty", "they are set back; then commission"},
	{InBandOpen, LookBMC, Note, "tenants can reach the BMC from inside the machine", "the model cannot close the way in", "none; its settings are restored after each tenant"},
	{BootOrder, LookBMC, Failing, "there were boot entries that are not ours", "an installed system, or a tenant, added them", "they are removed; then commission"},
	{OutOfPlace, LookEnrol, Failing, "the BMC belongs to another machine than the record says", "addresses were swapped", "correct the address; then enrol again"},
	{Manual, LookPerson, Failing, "a person took the machine aside", "as the note says", "as the note says"},
	{RestoredDifferently, LookSurvey, Failing, "the database was restored, and the machine is not as its records say", "it was given to somebody, moved or reinstalled after the backup", "see starter restored report and ask whose it is; its port is as it was found; once nobody needs it, commission"},
}
