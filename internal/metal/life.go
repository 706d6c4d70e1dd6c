package metal

import "time"

// Errand is what a run of its own does with a machine. A lost run is started
// again by it.
type Errand string

const (
	ForWarm       Errand = "warm"
	ForCommission Errand = "commission"
	ForInspect    Errand = "inspect"
	ForUpdate     Errand = "update"
	ForRetire     Errand = "retire"
)

// From lists the states that each purpose may take a machine from.
var From = map[Errand][]MachineState{
	ForWarm:       {Idle},
	ForCommission: {Enrolled, Idle, Quarantined, Maintenance},
	ForInspect:    {Enrolled, Idle, Quarantined, Maintenance},
	ForUpdate:     {Enrolled, Idle, Quarantined, Maintenance},
	ForRetire:     {Enrolled, Idle, Quarantined, Maintenance},
}

// Found is what one look at a machine brought.
type Found struct {
	Machine  MachineID
	Look     Look
	Findings []Finding
	// Partial looks saw a part of what there is: what they did not find stays open.
	Partial bool
	Keep    []IssueKind // that this look does not close: they are found once, and last
}

// Verdict is how a machine stands after a look.
type Verdict struct {
	Health   Health
	Blocking []string // what keeps it from becoming idle by itself, a sentence each
}

// Machine states change by a person's word, too.
type Word struct {
	Machine MachineID
	By      string    // who says it
	Note    string    // why
	Until   time.Time // of maintenance
}

// Enrolment is where a machine that came in stands, by its operator.
type Enrolment struct {
	ID         string    `json:"-"`
	Site       SiteID    `json:"-"`
	Machine    MachineID `json:"-"`
	Address    string    `json:"-"` // of its BMC
	Credential string    `json:"-"` // name of the BMC's first one
	Sealed     []byte    `json:"-"` // or the first one itself, sealed

	Rack     RackID        `json:"rack"`
	Unit     int           `json:"unit"`
	Plan     PlanID        `json:"plan"`
	Firmware Firmware      `json:"firmware"`
	Kexec    bool          `json:"kexec,omitempty"`
	NICs     []EnrolledNIC `json:"nics"`
	Serial   string        `json:"serial,omitempty"` // that the label says; compared
}

// EnrolledNIC is where a cable goes. A MAC that is not given is the BMC's to say,
// in its order.
type EnrolledNIC struct {
	MAC    string `json:"mac,omitempty"`
	Port   Port   `json:"port"`
	Member string `json:"member,omitempty"`
}

// DueReading is a BMC that a patrol is to visit.
type DueReading struct {
	BMC      BMC
	LogMark  string            // where its log was read to
	Baseline map[string]string // its plan's firmware
	Failed   int               // visits without an answer so far
}

// Tending is one thing that a person wants of a machine's BMC.
type Tending string

const (
	TendRead     Tending = "read"            // its sensors and log, now
	TendClearLog Tending = "clear-log"       // its entries are kept here
	TendReset    Tending = "reset-bmc"       // a cold reset
	TendOn       Tending = "power-on"        // of a machine that nobody uses
	TendOff      Tending = "power-off"       // likewise
	TendPassword Tending = "rotate-password" // of a machine that no device lives on
)
