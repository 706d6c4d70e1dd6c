package agent

import (
	"context"
	"encoding/json"

	"millwright/internal/metal"
)

// Tell says how far a step is. It never waits, and may be called often.
type Tell func(done, total int64, text string)

// Disks is all that the agent does to a machine's disks. Each returns early
// when ctx ends, and may be done again from its beginning at any time: after a
// crash or a reboot the same boot is given the same job.
type Disks interface {
	// Size is the bytes of the largest disk, after which deadlines are made.
	Size() int64
	// Check says what of an install cannot be, before anything is changed.
	Check(context.Context, Install) error
	// Erase erases every disk. Each that it came to has a certificate, whatever
	// became of the others.
	Erase(context.Context, metal.EraseMode, Tell) ([]json.RawMessage, error)
	// Lay makes the mirror and the data volumes that an install asks for.
	Lay(context.Context, Install, Tell) error
	// Write puts the image on the boot disk, reads it back and compares it. The
	// proof stands in the report.
	Write(context.Context, Install, Tell) (proof string, err error)
	// Configure tells the written system what it needs on its first boot.
	Configure(context.Context, metal.FirstBoot, Tell) error
}
