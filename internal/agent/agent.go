package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"millwright/internal/metal"
)

// Exit is how the agent's life ends.
type Exit string

const (
	Kexec    Exit = "kexec"     // into the system on the disk, whose kernel is loaded
	Reboot   Exit = "reboot"    // the same, through the firmware
	PowerOff Exit = "power-off" // erased, or no longer wanted
)

// Config is what an agent knows when it starts.
type Config struct {
	URL     string // the boot service, without a slash at the end
	Boot    metal.BootNumber
	Token   string // never logged
	Version string // of the RAM system
	Client  *http.Client
	Log     *slog.Logger
	Journal *Journal // what of the log is sent; nil sends nothing

	// Inventory reads the hardware: a sentence for people, and JSON. It returns
	// what it has when ctx ends.
	Inventory func(ctx context.Context) (sentence string, hardware json.RawMessage)
	// Neighbours reads the hardware once more, with what takes a while to be heard
	// of. It is sent as another Up, in the background. Nil knows no more.
	Neighbours func(ctx context.Context) (sentence string, hardware json.RawMessage)
	Disks      Disks
	// Rescue lets the tenant in, until close. Its word stands in the report: the
	// fingerprint of the host key. Nil is a machine that cannot.
	Rescue func(context.Context, metal.Rescue) (word string, close func(), err error)
	// LoadKernel loads the kernel of the system on the disk, while there is a
	// network to say that it cannot. Nil is a machine that never can.
	LoadKernel func(context.Context) error
	// BurnIn tests the machine under load; a test that fails, or cannot be made, is
	// a result. It writes to all disks. Nil is a machine that cannot.
	BurnIn func(ctx context.Context, want metal.BurnIn, tell Tell) ([]metal.BurnInResult, error)

	// Pace is for tests and labs; its zero value is right for machines.
	Pace Pace
}

// Run serves one boot: it says that the agent is up, does the jobs it is
// given, each at most once, and returns how the machine is to be left. The
// only error is the end of ctx: nothing that the network or the boot service
// does makes an agent give up, and a job that fails is reported.
func Run(ctx context.Context, cfg Config) (Exit, error) {
	cfg.Pace = cfg.Pace.orDefault()
	a := &agent{Config: cfg, done: map[metal.Job]Report{}, steps: newSteps(), heard: make(chan struct{})}
	stop := a.background(ctx)
	defer stop()
	defer a.closeRescue()
	exit, err := a.serve(ctx)
	if errors.Is(err, errOver) {
		a.Log.Warn("this boot is over", "boot", a.Boot)
		exit, err = PowerOff, nil
	}
	return exit, err
}

type agent struct {
	Config
	steps  *steps
	done   map[metal.Job]Report // what became of each job since the machine was last idle
	have   metal.Job            // the job that was last done and reported
	rescue func()               // ends a rescue
	heard  chan struct{}        // closed when the neighbours were told of
}

func (a *agent) serve(ctx context.Context) (Exit, error) {
	if err := a.sayUp(ctx, a.up(ctx, a.Inventory)); err != nil {
		return "", err
	}
	listening, deafen := context.WithCancel(ctx)
	var listener sync.WaitGroup
	listener.Go(func() { a.listen(listening) })
	defer listener.Wait()
	defer deafen()
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

// hardwareLimit keeps the first word within what a boot service reads.
const hardwareLimit = 200_000

func (a *agent) up(ctx context.Context, look func(context.Context) (string, json.RawMessage)) Up {
	up, err := step(ctx, a, stepInventory, 0, func(ctx context.Context, _ Tell) (Up, error) {
		sentence, hardware := look(ctx)
		return Up{Inventory: sentence, Hardware: hardware}, nil
	})
	if err != nil { // what cannot be read is no reason to be silent
		up.Inventory = Clip(err.Error())
	}
	return a.introduced(up)
}

func (a *agent) introduced(up Up) Up {
	up.Boot, up.Version, up.Inventory = a.Boot, a.Version, Clip(up.Inventory)
	if len(up.Hardware) > hardwareLimit {
		a.Log.Warn("the inventory is too large to be sent", "bytes", len(up.Hardware))
		up.Hardware = nil
	}
	return up
}

// sayUp does without the hardware rather than be silent.
func (a *agent) sayUp(ctx context.Context, up Up) error {
	err := a.send(ctx, PathUp, up)
	if errors.Is(err, errUnfit) {
		a.Log.Error("the inventory is not taken", "error", err)
		up.Hardware = nil
		err = a.send(ctx, PathUp, up)
	}
	return err
}

// listen hears the neighbours while jobs are done, and says so unless the
// machine leaves before.
func (a *agent) listen(ctx context.Context) {
	defer close(a.heard)
	if a.Neighbours == nil {
		return
	}
	sentence, hardware := a.Neighbours(ctx)
	if ctx.Err() == nil {
		_ = a.sayUp(ctx, a.introduced(Up{Inventory: sentence, Hardware: hardware}))
	}
}

// obey does what it is told, once. The same job again straight after its
// report is the run taking its time; after another job it is a question, and
// the report is the answer.
func (a *agent) obey(ctx context.Context, job Job) (Exit, error) {
	switch job.Job {
	case metal.JobLeave:
		return a.leave(ctx, job)
	case metal.JobWait:
		a.have = ""
		return "", nil
	case metal.JobIdle:
		return "", a.idle()
	case metal.JobInstall, metal.JobErase, metal.JobProve, metal.JobRescue:
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
	return a.report(ctx, job, report)
}

func (a *agent) report(ctx context.Context, job Job, report Report) (Exit, error) {
	err := a.send(ctx, PathReport, report)
	if errors.Is(err, errUnfit) { // its certificates: without them the job has failed
		report = Report{Kind: metal.AgentFail, Detail: Clip(fmt.Sprintf("%s: %v", job.Job, err))}
		a.done[job.Job] = report
		err = a.send(ctx, PathReport, report)
	}
	if err != nil {
		return "", err
	}
	a.have = job.Job
	if report.Kind == metal.Erased {
		return PowerOff, nil
	}
	return "", nil
}

// idle waits in held questions for the next job, which is of another order:
// what was done for the last one is forgotten.
func (a *agent) idle() error {
	a.closeRescue()
	clear(a.done)
	a.have = metal.JobIdle
	return nil
}

// leave prefers a kexec that is refused now, and can be reported, to a machine
// that does not come back.
func (a *agent) leave(ctx context.Context, job Job) (Exit, error) {
	a.closeRescue()
	if !job.Kexec {
		return Reboot, nil
	}
	_, err := step(ctx, a, stepKernel, 0, only(func(ctx context.Context, _ Tell) error {
		if a.LoadKernel == nil {
			return errors.New("this system has no kexec")
		}
		return a.LoadKernel(ctx)
	}))
	if err == nil {
		return Kexec, nil
	}
	if ctx.Err() != nil {
		return "", fmt.Errorf("%s: %w", job.Job, ctx.Err())
	}
	a.Log.Error("kexec is not possible, the machine reboots", "error", err)
	return Reboot, a.send(ctx, PathReport, Report{Kind: metal.NoKexec, Detail: Clip(err.Error())})
}

func (a *agent) closeRescue() {
	if a.rescue != nil {
		a.rescue()
		a.rescue = nil
	}
}
