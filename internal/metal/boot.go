package metal

// BootNumber counts a machine's boot intents, up by one each time. It stands
// in URLs, signals and logs, and is no secret: it tells a report of this boot
// from one of an earlier boot that took its time.
type BootNumber int64

// Job is what an agent is to do with the machine it runs on.
type Job string

const (
	JobWait    Job = "wait"    // nothing yet; ask again
	JobInstall Job = "install" // erase what must be erased, write the image, configure first boot, then wait
	JobErase   Job = "erase"   // erase every disk, prove it, then power off
	JobProve   Job = "prove"   // listen for neighbours, then burn in; what is found is told part by part
	JobRescue  Job = "rescue"  // let the tenant in over SSH; touch no disk
	JobIdle    Job = "idle"    // nothing for now: a warm machine that an order will find waiting
	JobScript  Job = "ipxe"    // no job of an agent: the machine boots the tenant's own script
	JobLeave   Job = "leave"   // boot the disk: kexec, or reboot where the model needs it
)

// Destructive reports whether the job changes disks. Such a job is handed out
// only on a row read at that moment.
func (j Job) Destructive() bool { return j == JobInstall || j == JobErase || j == JobProve }

// EraseMode is how thoroughly disks are erased.
type EraseMode string

const (
	// EraseFull leaves nothing that anybody can read: between tenants.
	EraseFull EraseMode = "full"
	// EraseExpress removes what tells a file system from noise, and the key where
	// the disk encrypts: before an install, on disks that hold nothing of another
	// tenant's.
	EraseExpress EraseMode = "express"
)

// ReportKind is what a machine has to say about a boot.
type ReportKind string

const (
	AgentUp   ReportKind = "agent-up"      // the agent runs and asks for its job
	Installed ReportKind = "installed"     // image written and verified, first boot configured
	Erased    ReportKind = "erased"        // every disk erased and read back; the detail is the proof
	AgentFail ReportKind = "failed"        // the job cannot be done; the detail says why
	PhoneHome ReportKind = "phone-home"    // the installed system is up
	Rescued   ReportKind = "rescued"       // the rescue system takes SSH connections
	Scripted  ReportKind = "script-served" // the tenant's iPXE script was fetched
	Proven    ReportKind = "proven"        // neighbours were listened for and the burn-in is over, whatever it found
	NoKexec   ReportKind = "no-kexec"      // kexec was refused, the machine reboots instead; the detail says why
)

// Report is one thing a machine said. It is recorded before it is signalled.
type Report struct {
	Machine MachineID  `json:"machine"`
	Boot    BootNumber `json:"boot"`
	Kind    ReportKind `json:"kind"`
	Detail  string     `json:"detail,omitempty"` // a sentence for people; at most 1,000 bytes
}
