package agent

import (
	"strings"

	"millwright/internal/metal"
)

// Paths and query parameters of the conversation.
const (
	PathUp     = "/agent/up"
	PathJob    = "/agent/job"
	PathReport = "/agent/report"
	PathImages = "/images/"

	QueryBoot = "boot" // the number of this boot
	QueryWait = "wait" // how long the boot service may hold the question, as a Go duration
	QueryHave = "have" // the job that is done and reported: it is no news, hold the question
)

// Up is the agent's first word.
type Up struct {
	Boot      metal.BootNumber `json:"machine_boot"`
	Inventory string           `json:"inventory,omitempty"` // a sentence for people
}

// Job is what the agent is to do.
type Job struct {
	Job      metal.Job `json:"job"`
	Image    *Image    `json:"image,omitempty"` // of an install
	Hostname string    `json:"hostname,omitempty"`
	Kexec    bool      `json:"kexec,omitempty"` // leave by kexec; else reboot
}

// Image is a disk image under the boot service's /images/.
type Image struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"` // lower-case hex, of the whole file
	Size   int64  `json:"size"`   // bytes
}

// Report is what became of a job.
type Report struct {
	Kind   metal.ReportKind `json:"kind"`
	Detail string           `json:"detail,omitempty"`
}

// JobOf is the wire's form of a job as a store hands it out.
func JobOf(j metal.AgentJob) Job {
	job := Job{Job: j.Job, Kexec: j.Kexec}
	if j.Job == metal.JobInstall {
		job.Hostname = j.Hostname
		job.Image = &Image{File: j.Image.File, SHA256: j.Image.SHA256, Size: j.Image.Size}
	}
	return job
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
