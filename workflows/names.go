package workflows

import (
	"go.temporal.io/sdk/temporal"

	"millwright/internal/metal"
)

// Everything in this file stands in histories. None of it is ever renamed.

// ControlQueue is where runs and database activities are polled.
const ControlQueue = "control"

// WebhookQueue is where messages to tenants' endpoints are posted. Control
// workers poll it beside their own: endpoints that hang keep no run waiting.
const WebhookQueue = "webhooks"

// SiteQueue is where a site's device activities are polled, by workers that
// reach its management network.
func SiteQueue(site metal.SiteID) string { return "site/" + string(site) }

// DeviceRun is the workflow ID that all runs on a device share: one is open at
// a time.
func DeviceRun(id metal.DeviceID) string { return devicePrefix + string(id) }

// OrderRun is the workflow ID of the run that sees to an order.
func OrderRun(id metal.OrderID) string { return orderPrefix + string(id) }

// MachineRun is the workflow ID that runs on a machine without a device share.
func MachineRun(id metal.MachineID) string { return machinePrefix + string(id) }

// AddressRun is the workflow ID of moves of a reservation's addresses: one is
// open at a time. It takes no device's ID, so it works on a device that is
// being reinstalled.
func AddressRun(reservation string) string { return addressPrefix + reservation }

// SessionRun is the workflow ID of changes to a device's BGP sessions.
func SessionRun(id metal.DeviceID) string { return sessionPrefix + string(id) }

// PortsRun is the workflow ID of runs that bring a device's ports.
func PortsRun(id metal.DeviceID) string { return portsPrefix + string(id) }

// SwitchRun is the workflow ID of a switch's checks and repairs.
func SwitchRun(id metal.SwitchID) string { return switchPrefix + string(id) }

// PlanRun is the workflow ID of looks at what a switch's next commit would be.
func PlanRun(id metal.SwitchID) string { return planPrefix + string(id) }

// WebhookRun is the workflow ID of deliveries to an endpoint: each has one of
// its own.
func WebhookRun(id metal.WebhookID) string { return webhookPrefix + string(id) }

// PatrolRun is the workflow ID of rounds through a site's machines: one is open
// at a time.
func PatrolRun(id metal.SiteID) string { return patrolPrefix + string(id) }

// SurveyRun is the workflow ID of looks at a site after a restore: one is open
// at a time.
func SurveyRun(id metal.SiteID) string { return surveyPrefix + string(id) }

// EnrolRun is the workflow ID of the run that makes a machine of a BMC.
func EnrolRun(id string) string { return enrolPrefix + id }

// RolloutRun is the workflow ID of a firmware's way through the machines of a
// plan at a site: one is open at a time.
func RolloutRun(site metal.SiteID, plan metal.PlanID) string {
	return rolloutPrefix + string(site) + "/" + string(plan)
}

// FleetRun is the workflow ID of the run that orders many devices as one.
func FleetRun(id metal.FleetID) string { return fleetPrefix + string(id) }

const (
	devicePrefix  = "device/"
	orderPrefix   = "order/"
	machinePrefix = "machine/"
	addressPrefix = "address/"
	sessionPrefix = "bgp/"
	portsPrefix   = "ports/"
	switchPrefix  = "switch/"
	planPrefix    = "plan/"
	webhookPrefix = "webhook/"
	patrolPrefix  = "patrol/"
	surveyPrefix  = "survey/"
	enrolPrefix   = "enrol/"
	rolloutPrefix = "firmware/"
	fleetPrefix   = "fleet/"
)

// Schedules, by what they start.
const (
	ReconcileSchedule = "reconcile"
	SwitchesSchedule  = "switches" // CheckSwitches
	PatrolSchedule    = "patrol"   // Patrols
)

// ReportSignal carries a metal.Report from boot to the run that waits for it.
const ReportSignal = "report"

// TurnSignal tells a run that waits for a machine that one is there.
const TurnSignal = "turn"

// AgainSignal tells a BringDevice that more has changed since it looked.
const AgainSignal = "again"

// DueSignal tells a Webhook that something new may be due.
const DueSignal = "due"

// webhooksChange is since when Reconcile looks after webhooks.
const webhooksChange = "webhooks"

// RetryNow is the update that cuts an activity's back-off short.
const RetryNow = "retry-now"

// StatusQuery answers a run's Status.
const StatusQuery = "status"

// Error types that workflows give themselves; activities/errors.go has the
// others. docs/operations.md explains each.
const (
	UndoFailed    = "UndoFailed"    // stuck: machine quarantined, a person is called
	MachineSilent = "MachineSilent" // no agent within the limit, power cycles included
	AgentFailed   = "AgentFailed"   // the agent says that its job cannot be done
	SystemSilent  = "SystemSilent"  // the installed system never phoned home
	DeviceBusy    = "DeviceBusy"    // another run keeps the device for too long
	NotErased     = "NotErased"     // no proof of erasure: the machine is in quarantine
	NotAsPlanned  = "NotAsPlanned"  // it is not what its plan says: the machine is in quarantine
	NotEnough     = "NotEnough"     // of a fleet too few devices became active in time: all are given back
	UpdateFailed  = "UpdateFailed"  // a firmware is not what it should have become
)

// Search attributes: what a run is about, for lists and filters. SQL visibility
// takes ten Keyword attributes in a namespace; two are spare.
var (
	DeviceAttr  = temporal.NewSearchAttributeKeyKeyword("Device")
	ProjectAttr = temporal.NewSearchAttributeKeyKeyword("Project")
	SiteAttr    = temporal.NewSearchAttributeKeyKeyword("Site")
	MachineAttr = temporal.NewSearchAttributeKeyKeyword("Machine")
	PlanAttr    = temporal.NewSearchAttributeKeyKeyword("Plan")
	StepAttr    = temporal.NewSearchAttributeKeyKeyword("Step")
	SwitchAttr  = temporal.NewSearchAttributeKeyKeyword("Switch")
	BatchAttr   = temporal.NewSearchAttributeKeyKeyword("Batch")
)

// SearchAttributes lists them for the command that registers them.
func SearchAttributes() []temporal.SearchAttributeKeyKeyword {
	return []temporal.SearchAttributeKeyKeyword{
		DeviceAttr, ProjectAttr, SiteAttr, MachineAttr, PlanAttr, StepAttr, SwitchAttr, BatchAttr,
	}
}

// Steps, as the Step attribute and metrics name them.
const (
	StepRecord   = "record"
	StepClaim    = "claim"
	StepLine     = "line"
	StepPort     = "port"
	StepBoot     = "boot-intent"
	StepPower    = "power"
	StepAgent    = "agent"
	StepInstall  = "image"
	StepOpen     = "tenant-port"
	StepDisk     = "disk-boot"
	StepPhone    = "phone-home"
	StepActivate = "activate"
	StepErase    = "erase"
	StepRescue   = "rescue"
	StepScript   = "script"
	StepWarm     = "warm"
	StepRelease  = "release"
	StepStart    = "start"
	StepSettle   = "settle"
	StepAssign   = "assign"
	StepCheck    = "check"
	StepRepair   = "repair"
	StepNames    = "names"
	StepDeliver  = "deliver"
	StepPause    = "pause"
	StepSecure   = "secure"
	StepProve    = "burn-in"
	StepCompare  = "compare"
	StepPatrol   = "patrol"
	StepIdentify = "identify"
	StepFirmware = "firmware"
	StepRetire   = "retire"
	StepSurvey   = "survey"
	StepFleet    = "fleet"
	StepGiveBack = "give-back"
)
