package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"millwright/internal/metal"
)

// powerTries is how often a machine that stays silent is switched off and on
// before the run gives it up. One in ten network boots fails for reasons that
// the next one does not have: a lost DHCP answer, a link that negotiates.
const powerTries = 3

// work boots the agent with a job and waits until the machine says that it is
// done. The intent is written before power is touched; a machine that stays
// silent is switched off and on a few times. One whose agent was waiting needs
// no power; if it falls silent, it is booted like any other.
func (v *visit) work(ctx workflow.Context, p profile, job metal.Job, done metal.ReportKind) error {
	if err := v.enter(ctx, StepBoot, v.machine()); err != nil {
		return err
	}
	warm, err := v.intend(ctx, p, job)
	if err == nil && warm {
		var finished bool
		if finished, err = v.listen(ctx, job, done, "power cycle", nil); err != nil || finished {
			return err
		}
		_, err = v.intend(ctx, p, job)
	}
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		if err := v.cycle(ctx, p); err != nil {
			return err
		}
		next := "power cycle"
		if try == powerTries {
			next = "give the machine up"
		}
		finished, err := v.listen(ctx, job, done, next, firstWords[job])
		if err != nil || finished {
			return err
		}
		if try == powerTries {
			return failure(MachineSilent, "machine %s, boot %d: no %s after %d power cycles; see its console, then its BMC and %s",
				v.machine(), v.boot, done, try, v.holding.Port)
		}
	}
}

// cycle switches the machine off and on, to boot from the network.
func (v *visit) cycle(ctx workflow.Context, p profile) error {
	if err := v.enter(ctx, StepPower, v.machine()); err != nil {
		return err
	}
	if err := v.off(ctx, p); err != nil {
		return err
	}
	v.forget(v.thisBoot())
	return v.on(ctx, p, metal.BootNetwork)
}

// firstWords is what a machine says first when it boots for a job. Where it is
// all that is awaited, the limit for booting is the only one.
var firstWords = map[metal.Job]func(done metal.ReportKind) []metal.ReportKind{
	metal.JobInstall: agentThen, metal.JobErase: agentThen, metal.JobProve: agentThen, metal.JobRescue: agentThen,
	metal.JobIdle: only, metal.JobScript: only,
}

func agentThen(done metal.ReportKind) []metal.ReportKind {
	return []metal.ReportKind{metal.AgentUp, done}
}
func only(done metal.ReportKind) []metal.ReportKind { return []metal.ReportKind{done} }

// awaited is the step in which a machine's first word is.
func awaited(job metal.Job) string {
	if job == metal.JobScript {
		return StepScript
	}
	return StepAgent
}

// working is the step in which a job is done.
var working = map[metal.Job]string{
	metal.JobInstall: StepInstall, metal.JobErase: StepErase, metal.JobProve: StepProve, metal.JobRescue: StepRescue,
}

// limit is how long a job may take, from the agent's first word.
func (v *visit) limit(job metal.Job) time.Duration {
	if job == metal.JobProve {
		return v.holding.Limits.Prove
	}
	return v.holding.Limits.Install
}

// listen waits for the machine's first word, unless its agent runs already, then
// for its job to be done. False says that the machine fell silent.
func (v *visit) listen(ctx workflow.Context, job metal.Job, done metal.ReportKind, next string,
	first func(metal.ReportKind) []metal.ReportKind) (bool, error) {
	var report metal.Report
	if first != nil {
		if err := v.enter(ctx, awaited(job), v.machine()); err != nil {
			return false, err
		}
		var ok bool
		var err error
		if report, ok, err = v.await(ctx, v.thisBoot(), v.holding.Limits.Boot, next, first(done)...); err != nil || !ok {
			return false, err
		}
	}
	if report.Kind != done && report.Kind != metal.AgentFail {
		if err := v.enter(ctx, working[job], v.machine()); err != nil {
			return false, err
		}
		var ok bool
		var err error
		if report, ok, err = v.await(ctx, v.thisBoot(), v.limit(job), next, done); err != nil || !ok {
			return false, err
		}
	}
	if report.Kind == metal.AgentFail {
		return false, failure(AgentFailed, "machine %s, boot %d, %s: %s", v.machine(), v.boot, job, report.Detail)
	}
	return true, nil
}

// runScript boots the tenant's own script, which needs the tenant's network.
// Disks that were never proven to be erased are erased first.
func (v *visit) runScript(ctx workflow.Context) error {
	if !v.holding.Erased {
		if err := v.enter(ctx, StepPort, v.holding.Port.String()); err != nil {
			return err
		}
		if err := v.park(ctx, device); err != nil { // an agent never faces the Internet
			return err
		}
		if err := v.work(ctx, device, metal.JobErase, metal.Erased); err != nil {
			return err
		}
		v.holding.Erased = true
	}
	if err := v.enter(ctx, StepOpen, v.holding.Port.String()); err != nil {
		return err
	}
	if err := v.open(ctx); err != nil {
		return err
	}
	return v.work(ctx, device, metal.JobScript, metal.Scripted)
}
