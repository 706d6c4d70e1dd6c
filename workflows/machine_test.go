package workflows

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"millwright/activities"
	"millwright/internal/metal"
)

const injectedType = "Injected"

func injected() error { return temporal.NewNonRetryableApplicationError("injected", injectedType, nil) }

func (w *world) harmOf(ctx context.Context) harm {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := activity.GetInfo(ctx).ActivityType.Name
	w.calls = append(w.calls, name)
	if w.spoil == nil {
		return none
	}
	return w.spoil(len(w.calls), name)
}

func jsonOf(in metal.OrderInput) ([]byte, error) { return json.Marshal(in) }

// quiet drops the SDK's log.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

// bmc is every BMC of the site.
type bmc struct{ *world }

func (b bmc) SetPower(_ context.Context, m metal.BMC, power metal.Power) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	box := b.boxes[m.Machine]
	if err := box.reach(m); err != nil {
		return err
	}
	if power == metal.Off {
		box.on, box.waiting, box.warm = false, false, false
		box.life++
	}
	box.on = power == metal.On
	return b.answer()
}

func (b bmc) PowerOn(_ context.Context, m metal.BMC, device metal.BootDevice, _ metal.Firmware) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	box := b.boxes[m.Machine]
	if err := box.reach(m); err != nil || box.on {
		return err
	}
	box.on = true
	box.life++
	if box.dead {
		return b.answer()
	}
	b.later(box, bootTime, func() {
		if device == metal.BootNetwork {
			b.bootNetwork(m.Machine, box)
		} else {
			b.bootDisk(m.Machine, box)
		}
	})
	return b.answer()
}

func (b bmc) Power(_ context.Context, m metal.BMC) (metal.Power, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	box := b.boxes[m.Machine]
	if box.on {
		return metal.On, box.reach(m)
	}
	return metal.Off, box.reach(m)
}

// reach fails where the BMC is not to be reached.
func (b *box) reach(m metal.BMC) error {
	if b.unplugged {
		return fmt.Errorf("machine %s: BMC: no route to host", m.Machine)
	}
	return nil
}

// later does something in this life of the machine.
func (w *world) later(b *box, d time.Duration, f func()) {
	life := b.life
	w.after(d, func() {
		w.mu.Lock()
		alive := b.on && b.life == life
		w.mu.Unlock()
		if alive {
			f()
		}
	})
}

// askAgain is how soon a machine says again what boot could not record.
const askAgain = 10 * time.Second

// bootNetwork asks the boot services what to do, as iPXE and the agent would.
func (w *world) bootNetwork(id metal.MachineID, b *box) {
	if w.unheard != nil && w.unheard() {
		w.later(b, askAgain, func() { w.bootNetwork(id, b) })
		return
	}
	ctx := context.Background()
	m, err := w.store.BootMachine(ctx, id)
	if err == nil && m.Intent.Script {
		w.bootScript(m, b)
		return
	}
	if err != nil || !m.Intent.Agent {
		w.bootDisk(id, b)
		return
	}
	token := sha256.Sum256([]byte{byte(b.life)})
	if w.store.IssueToken(ctx, id, m.Intent.Number, token[:]) != nil {
		return
	}
	w.report(metal.Report{Machine: id, Boot: m.Intent.Number, Kind: metal.AgentUp}, token[:])
	w.work(m.ID, b, m.Intent.Number, token[:])
}

// work does the agent's job. One that is to wait does not ask again by itself:
// see bootStore.
func (w *world) work(id metal.MachineID, b *box, boot metal.BootNumber, token []byte) {
	ctx := context.Background()
	job, err := w.store.TakeJob(ctx, id, boot, token)
	if err != nil {
		return
	}
	m, err := w.store.BootMachine(ctx, id)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if b.warm = job.Job == metal.JobIdle; b.warm {
		b.token = token
		return
	}
	if job.Job == metal.JobInstall {
		b.disk = m.Tenancy.Device // written from its first block on
	}
	report := metal.Report{Machine: id, Boot: boot}
	w.later(b, workTime, func() { w.finishJob(report, job.Job, b, token) })
}

// bootScript runs the tenant's own script, which writes to the disk.
func (w *world) bootScript(m metal.BootMachine, b *box) {
	w.mu.Lock()
	b.disk, b.scripts = m.Tenancy.Device, b.scripts+1
	w.mu.Unlock()
	w.report(metal.Report{Machine: m.ID, Boot: m.Intent.Number, Kind: metal.Scripted}, nil)
}

func (w *world) finishJob(report metal.Report, job metal.Job, b *box, token []byte) {
	w.mu.Lock()
	switch {
	case b.agentFails != "":
		report.Kind, report.Detail = metal.AgentFail, b.agentFails
	case job == metal.JobInstall:
		report.Kind, b.boot, b.waiting = metal.Installed, report.Boot, true
	case job == metal.JobProve:
		report.Kind, b.warm, b.token = metal.Proven, true, token
	case job == metal.JobRescue:
		report.Kind, report.Detail, b.rescues = metal.Rescued, "SHA256:host-key", b.rescues+1
	case job == metal.JobErase:
		b.disk, b.on = "", false
		report.Kind, report.Detail = metal.Erased, "zeros written and read back"
		if b.eraseUnknown {
			report.Detail = ""
		}
	}
	w.mu.Unlock()
	w.report(report, token)
}

// bootDisk starts the installed system, which phones home.
func (w *world) bootDisk(id metal.MachineID, b *box) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if b.disk == "" || b.silent {
		return
	}
	boot := b.boot
	w.later(b, bootTime, func() {
		w.report(metal.Report{Machine: id, Boot: boot, Kind: metal.PhoneHome}, nil)
	})
}

// report records what a machine says, then signals its run, as boot does.
func (w *world) report(r metal.Report, token []byte) {
	if w.unheard != nil && w.unheard() {
		box := w.boxes[r.Machine]
		life := box.life // it may have switched itself off since
		w.after(askAgain, func() {
			if box.life == life {
				w.report(r, token)
			}
		})
		return
	}
	recorded, err := w.store.Record(context.Background(), metal.Said{Report: r, TokenHash: token})
	if err == nil {
		w.tell(recorded.Run, recorded.Report)
	}
}

// bootStore notices when an agent may leave.
type bootStore struct{ *world }

func (s bootStore) BootAgent(ctx context.Context, want metal.NextBoot) (metal.Booting, error) {
	booting, err := s.store.BootAgent(ctx, want)
	s.mu.Lock()
	b := s.boxes[want.Claim.Machine]
	asks := err == nil && booting.Warm && b.warm
	s.mu.Unlock()
	if asks {
		s.later(b, time.Second, func() { s.work(want.Claim.Machine, b, booting.Number, b.token) })
	}
	return booting, err
}

func (s bootStore) BootDisk(ctx context.Context, claim metal.Claim, boot metal.BootNumber) error {
	if err := s.store.BootDisk(ctx, claim, boot); err != nil {
		return err
	}
	s.mu.Lock()
	b := s.boxes[claim.Machine]
	leaves := b.waiting
	b.waiting = false
	s.mu.Unlock()
	if leaves {
		s.later(b, time.Second, func() { s.bootDisk(claim.Machine, b) })
	}
	return nil
}

var _ activities.BootStore = bootStore{}
