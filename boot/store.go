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
	// RecordStep keeps how far an agent is.
	RecordStep(ctx context.Context, of metal.AgentCall, step metal.AgentStep) error
	// AppendLog keeps a piece of a boot's log, and answers where the next one begins.
	AppendLog(ctx context.Context, of metal.AgentCall, at int64, piece []byte) (next int64, err error)
}

// Site is what a boot service says of itself.
type Site interface {
	// SetAgentVersion says which agent is handed out here.
	SetAgentVersion(ctx context.Context, site metal.SiteID, version string) error
	// PutCertificateKey keeps the public half of the key that signs here.
	PutCertificateKey(ctx context.Context, id string, pem []byte) error
}

// Reports keeps what machines said until their runs have heard it.
type Reports interface {
	// Record keeps a report and what came with it. A repeat returns the first row.
	Record(ctx context.Context, said metal.Said) (metal.RecordedReport, error)
	Unsignalled(ctx context.Context, site metal.SiteID) ([]metal.RecordedReport, error)
	Signalled(ctx context.Context, id int64) error
}

// Store is Postgres, as far as a boot service needs it.
type Store interface {
	Machines
	Jobs
	Reports
	UserStates
	Site
}

// Signaller tells a run what its machine reported. It refuses with
// metal.ErrRunOver if the run takes no more signals.
type Signaller interface {
	Signal(ctx context.Context, run string, r metal.Report) error
}
