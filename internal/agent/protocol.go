package agent

import (
	"encoding/json"
	"strings"

	"millwright/internal/metal"
)

// Paths and query parameters of the conversation.
const (
	PathUp     = "/agent/up"
	PathJob    = "/agent/job"
	PathReport = "/agent/report"
	PathStep   = "/agent/step"
	PathLog    = "/agent/log"
	PathNoise  = "/agent/noise"
	PathImages = "/images/"
	PathTools  = "/agent-files/burn-in.tar.zst"

	QueryBoot = "boot" // the number of this boot
	QueryWait = "wait" // how long the boot service may hold the question, as a Go duration
	QueryHave = "have" // the job that is done and reported: it is no news, hold the question
	QueryAt   = "at"   // byte of the boot's log that a piece of it begins at
	QuerySeed = "seed" // of noise, a number
	QueryFor  = "for"  // how long noise is wanted, as a Go duration
)

// Up is the agent's first word.
type Up struct {
	Boot      metal.BootNumber `json:"machine_boot"`
	Version   string           `json:"version,omitempty"`   // of the RAM system: a warm machine with an older one is rebooted
	Inventory string           `json:"inventory,omitempty"` // a sentence for people
	Hardware  json.RawMessage  `json:"hardware,omitempty"`  // as package inventory reads it; at most 200 KB
}

// Job is what the agent is to do.
type Job struct {
	Job   metal.Job `json:"job"`
	Kexec bool      `json:"kexec,omitempty"` // leave by kexec; else reboot

	Erase   metal.EraseMode `json:"erase,omitempty"`   // of an install and an erase
	Install *Install        `json:"install,omitempty"` // of an install
	Rescue  *metal.Rescue   `json:"rescue,omitempty"`  // of a rescue
	BurnIn  *metal.BurnIn   `json:"burn_in,omitempty"` // of a proof; absent: nothing is tested under load
}

// Install is what an install puts on the machine.
type Install struct {
	Image     string          `json:"image"`             // ID in the site's image store: 64 hex digits
	Size      int64           `json:"size"`              // bytes of the disk that it makes
	Storage   json.RawMessage `json:"storage,omitempty"` // layout, as package drive reads it; absent: the default
	FirstBoot metal.FirstBoot `json:"first_boot"`
}

// Step is how far a job is. It replaces what was said of an earlier one.
type Step struct {
	Step  string `json:"step"`            // "inventory", "erase", "image", "first-boot", …
	Done  int64  `json:"done,omitempty"`  // of Total, in bytes or pieces
	Total int64  `json:"total,omitempty"` // 0 where it is not known
	Text  string `json:"text,omitempty"`  // a few words for people
}

// LogEnd is the answer to a piece of log: how many bytes of this boot's log are
// kept. The agent goes on from there, whatever it believed before: an answer may
// have been lost, or the machine may have started again within the boot. An empty
// piece asks for it. A piece that begins before the end is taken from the end on;
// of one that begins behind it nothing is taken.
type LogEnd struct {
	Next int64 `json:"next"`
}

// Report is what became of a job.
type Report struct {
	Kind   metal.ReportKind `json:"kind"`
	Detail string           `json:"detail,omitempty"`

	// Certificates are what is known of each disk's erasure, one JSON object per
	// disk, as package erasure writes it. The boot service signs and keeps them.
	Certificates []json.RawMessage `json:"certificates,omitempty"`

	// BurnIn is what each test under load found, of a machine that is proven.
	BurnIn []metal.BurnInResult `json:"burn_in,omitempty"`
}

// Clip keeps a detail within the 1,000 bytes that a report may hold, and whole
// letters in it.
func Clip(s string) string {
	const limit = 1000
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.ToValidUTF8(s, "")
}
