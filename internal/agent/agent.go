package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"millwright/internal/metal"
)

// Disks is all that the agent does to a machine's disks. Each returns early
// when ctx ends.
type Disks interface {
	// Erase makes every disk's former content unreadable, and says how that is
	// known: the proof stands in the report.
	Erase(ctx context.Context) (proof string, err error)
	// Write puts the image on the boot disk.
	Write(ctx context.Context, image io.Reader, size int64) error
	// Verify reads the image back from the disk and compares its hash.
	Verify(ctx context.Context, sha256 string, size int64) error
	// Configure tells the written system what it needs on its first boot.
	Configure(ctx context.Context, first FirstBoot) error
}

// FirstBoot is what an installed system is told before it first runs.
type FirstBoot struct {
	Hostname     string
	MetadataURL  string
	PhoneHomeURL string
}

// Exit is how the agent's life ends.
type Exit string

const (
	Kexec    Exit = "kexec"     // into the system on the disk
	Reboot   Exit = "reboot"    // the same, through the firmware
	PowerOff Exit = "power-off" // erased, or no longer wanted
)

// Config is what an agent knows when it starts.
type Config struct {
	URL       string // the boot service, without a slash at the end
	Boot      metal.BootNumber
	Token     string // never logged
	Client    *http.Client
	Disks     Disks
	Inventory func() string
	Log       *slog.Logger

	// Pace is for tests and labs; its zero value is right for machines.
	Pace Pace
}

// Pace is how long the agent waits for what. Zero fields take the defaults.
type Pace struct {
	Wait  time.Duration // how long the boot service may hold a question
	Retry time.Duration // the longest pause between two attempts
	Over  time.Duration // how long a boot that is over is asked about before the power goes off
	Stall time.Duration // an image that brings no byte for so long is asked for again
}

const (
	defaultWait  = 20 * time.Second // under the minute after which middleboxes forget a connection
	defaultRetry = 5 * time.Second
	// A boot may look over because the run raises the number just before it
	// power-cycles the machine; that takes seconds. What is left after two
	// minutes is a machine that nobody wants to run.
	defaultOver  = 2 * time.Minute
	defaultStall = 30 * time.Second
)

func (p Pace) orDefault() Pace {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{{&p.Wait, defaultWait}, {&p.Retry, defaultRetry}, {&p.Over, defaultOver}, {&p.Stall, defaultStall}} {
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	return p
}

// Run serves one boot: it says that the agent is up, does the jobs it is
// given, each at most once, and returns how the machine is to be left. The
// only error is the end of ctx: nothing that the network or the boot service
// does makes an agent give up, and a job that fails is reported.
func Run(ctx context.Context, cfg Config) (Exit, error) {
	cfg.Pace = cfg.Pace.orDefault()
	a := &agent{Config: cfg, done: map[metal.Job]Report{}}
	exit, err := a.serve(ctx)
	if errors.Is(err, errOver) {
		a.Log.Warn("this boot is over", "boot", a.Boot)
		return PowerOff, nil
	}
	return exit, err
}

type agent struct {
	Config
	done map[metal.Job]Report // what became of each job of this boot
	have metal.Job            // the job that was last done and reported
}

func (a *agent) serve(ctx context.Context) (Exit, error) {
	if err := a.send(ctx, PathUp, Up{Boot: a.Boot, Inventory: a.Inventory()}); err != nil {
		return "", err
	}
	for {
		job, err := a.ask(ctx)
		if err != nil {
			return "", err
		}
		exit, err := a.obey(ctx, job)
		if err != nil || exit != "" {
			return exit, err
		}
	}
}

// obey does what it is told, once. The same job again straight after its
// report is the run taking its time; after another job it is a question, and
// the report is the answer.
func (a *agent) obey(ctx context.Context, job Job) (Exit, error) {
	switch job.Job {
	case metal.JobLeave:
		return leaveBy(job), nil
	case metal.JobWait:
		a.have = ""
		return "", nil
	case metal.JobInstall, metal.JobErase:
	default: // of a newer boot service: let it hold the question rather than repeat it at once
		a.Log.Warn("a job that this agent does not know", "job", job.Job)
		a.have = job.Job
		return "", nil
	}
	if a.have == job.Job {
		return "", nil
	}
	report, did := a.done[job.Job]
	if !did {
		report = a.do(ctx, job)
		if ctx.Err() != nil {
			return "", fmt.Errorf("%s: %w", job.Job, ctx.Err())
		}
		a.done[job.Job] = report
	}
	if err := a.send(ctx, PathReport, report); err != nil {
		return "", err
	}
	a.have = job.Job
	if report.Kind == metal.Erased {
		return PowerOff, nil
	}
	return "", nil
}

func leaveBy(job Job) Exit {
	if job.Kexec {
		return Kexec
	}
	return Reboot
}
