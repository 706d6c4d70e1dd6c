package metal

import "io"

// FirmwareImage is what a firmware is updated from. BMCs take the image itself,
// or a URL that they fetch it from; give both where both are there.
type FirmwareImage struct {
	Name string // of its file: some BMCs tell by it what it is for
	Size int64
	Open func() (io.ReadCloser, error) // called once for each attempt
	URL  string                        // without credentials: BMCs write it into their logs
}

// UpdateState is how far an update is.
type UpdateState string

const (
	UpdateRunning UpdateState = "running"
	UpdateWaits   UpdateState = "waits"  // for the machine's next start
	UpdateDone    UpdateState = "done"   // which the version has yet to prove
	UpdateFailed  UpdateState = "failed" // see the detail
)

// UpdateProgress is what a BMC says of an update.
type UpdateProgress struct {
	State   UpdateState `json:"state"`
	Percent int         `json:"percent,omitempty"`
	Detail  string      `json:"detail,omitempty"` // names out of message registries
}
