package metal

import (
	"encoding/json"
	"time"
)

// Said is a report with what came with it.
type Said struct {
	Report    Report
	TokenHash []byte // of the agent's token; nil where the source address vouches

	AgentVersion string          // of an agent that came up
	Hardware     json.RawMessage // of an agent that came up: its inventory
	InFull       bool            // an install that erased all of every disk first
	Certificates []Certificate
	BurnIn       []BurnInResult // of a machine that was proven
}

// Certificate is what is known of one disk's erasure, signed.
type Certificate struct {
	Serial    string // of the disk
	Body      []byte // JSON, the very bytes that are signed
	Signature []byte // Ed25519
	Key       string // which key signed
}

// KeptCertificate is a certificate with where it came from.
type KeptCertificate struct {
	Certificate
	Machine MachineID
	Device  DeviceID // whose data it was; empty where no device lived there
	Boot    BootNumber
	At      time.Time
}

// AgentCall is who an agent proved to be.
type AgentCall struct {
	Machine   MachineID
	Boot      BootNumber
	TokenHash []byte
}

// AgentStep is how far an agent is with its job.
type AgentStep struct {
	Step        string // "erase", "image", …
	Done, Total int64  // Total is 0 where it is not known
	Text        string // a few words for people
	Since, At   time.Time
}
