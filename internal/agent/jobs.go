package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"millwright/internal/metal"
)

// do does a job and puts its end into words.
func (a *agent) do(ctx context.Context, job Job) Report {
	a.Log.Info("job begins", "job", job.Job, "boot", a.Boot)
	a.closeRescue()
	report, err := a.try(ctx, job)
	if err != nil {
		a.Log.Error("job ends", "job", job.Job, "boot", a.Boot, "error", err)
		report.Kind, report.Detail = metal.AgentFail, fmt.Sprintf("%s: %v", job.Job, err)
	} else {
		a.Log.Info("job ends", "job", job.Job, "boot", a.Boot, "detail", report.Detail)
	}
	report.Detail = Clip(report.Detail)
	return report
}

// try gives certificates also of a job that fails: a disk that was erased
// before another one broke is erased.
func (a *agent) try(ctx context.Context, job Job) (Report, error) {
	switch {
	case job.Job == metal.JobRescue:
		return a.letIn(ctx, job.Rescue)
	case job.Job == metal.JobInstall:
		return a.install(ctx, job)
	case job.Job == metal.JobProve:
		return a.prove(ctx, job.BurnIn)
	}
	certificates, err := a.erase(ctx, job.Erase)
	detail := fmt.Sprintf("%d disks erased and read back", len(certificates))
	return Report{Kind: metal.Erased, Detail: detail, Certificates: certificates}, err
}

// erase takes a job that names no mode for the thorough one.
func (a *agent) erase(ctx context.Context, mode metal.EraseMode) ([]json.RawMessage, error) {
	if mode == "" {
		mode = metal.EraseFull
	}
	return step(ctx, a, stepErase, a.Disks.Size(), func(ctx context.Context, tell Tell) ([]json.RawMessage, error) {
		return a.Disks.Erase(ctx, mode, tell)
	})
}

// install ends with an image whose bytes were read back from the disk. The
// erasure comes first and always: what an image does not cover would otherwise
// be the last tenant's. An install that was interrupted begins here again.
func (a *agent) install(ctx context.Context, job Job) (report Report, err error) {
	if job.Install == nil {
		return report, errors.New("the job names no image")
	}
	in, disks := *job.Install, a.Disks
	report.Kind = metal.Installed
	if _, err = step(ctx, a, stepCheck, 0, only(func(ctx context.Context, _ Tell) error { return disks.Check(ctx, in) })); err != nil {
		return report, err
	}
	if report.Certificates, err = a.erase(ctx, job.Erase); err != nil {
		return report, err
	}
	if _, err = step(ctx, a, stepLayout, disks.Size(), only(func(ctx context.Context, tell Tell) error { return disks.Lay(ctx, in, tell) })); err != nil {
		return report, err
	}
	report.Detail, err = step(ctx, a, stepImage, in.Size, func(ctx context.Context, tell Tell) (string, error) { return disks.Write(ctx, in, tell) })
	if err != nil {
		return report, err
	}
	_, err = step(ctx, a, stepFirstBoot, 0, only(func(ctx context.Context, tell Tell) error { return disks.Configure(ctx, in.FirstBoot, tell) }))
	return report, err
}

// letIn begins a rescue. It lasts until another job ends it.
func (a *agent) letIn(ctx context.Context, wish *metal.Rescue) (Report, error) {
	if wish == nil || a.Rescue == nil {
		return Report{}, errors.New("this system has nobody to let in")
	}
	type opened struct {
		word  string
		close func()
	}
	open, err := step(ctx, a, stepRescue, 0, func(step context.Context, _ Tell) (opened, error) {
		word, end, err := a.Rescue(context.WithoutCancel(step), *wish) // it outlives its step
		return opened{word, end}, err
	})
	a.rescue = open.close
	return Report{Kind: metal.Rescued, Detail: open.word}, err
}
