package main

import (
	"context"

	"millwright/internal/metal"
)

// Machines is what memory is fed by.
type Machines interface {
	// BootMachines is every machine of the site.
	BootMachines(ctx context.Context, site metal.SiteID) ([]metal.BootMachine, error)
	// BootMachine is one machine, read now; metal.ErrUnknownMachine if there is none.
	BootMachine(ctx context.Context, id metal.MachineID) (metal.BootMachine, error)
	// ListenBoot calls changed for each machine that changes, and with "" when
	// any may have: once when it has begun to listen. It blocks until ctx ends
	// or the connection is lost.
	ListenBoot(ctx context.Context, site metal.SiteID, changed func(metal.MachineID)) error
}

// Jobs hands out what agents are to do. Both refuse with metal.ErrStaleClaim
// what is not of the machine's current boot.
type Jobs interface {
	IssueToken(ctx context.Context, machine metal.MachineID, n metal.BootNumber, hash []byte) error
	TakeJob(ctx context.Context, machine metal.MachineID, n metal.BootNumber, hash []byte) (metal.AgentJob, error)
}

// Reports keeps what machines said until their runs have heard it.
type Reports interface {
	// Record is for an agent with the hash of its token, for an installed system
	// with none. A repeat returns the first row.
	Record(ctx context.Context, r metal.Report, hash []byte) (metal.RecordedReport, error)
	Unsignalled(ctx context.Context, site metal.SiteID) ([]metal.RecordedReport, error)
	Signalled(ctx context.Context, id int64) error
}

// Store is Postgres, as far as a boot service needs it.
type Store interface {
	Machines
	Jobs
	Reports
}

// Signaller tells a run what its machine reported. It refuses with
// metal.ErrRunOver if the run takes no more signals.
type Signaller interface {
	Signal(ctx context.Context, run string, r metal.Report) error
}
