package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// waitingFor is how long ago an agent that waits may have asked last: it asks
// every 20 s, and one that missed four times is not counted on.
const waitingFor = 90 * time.Second

// BootAgent numbers a boot of the agent and binds its reports to a run. An
// attempt of a claim is numbered once, so a repeat finds its number. Where an
// agent waits on the machine it gets the job, and keeps its boot: the answer
// says so, and nobody needs to touch the power.
func (s *Store) BootAgent(ctx context.Context, want metal.NextBoot) (metal.Booting, error) {
	claim, job := want.Claim, want.Job
	var booting metal.Booting
	err := s.in(ctx, func(q *query.Queries) error {
		if _, err := held(ctx, q, claim); err != nil {
			return err
		}
		number, err := intend(ctx, q, want)
		if errors.Is(err, pgx.ErrNoRows) { // numbered before
			return s.numbered(ctx, q, claim, &booting)
		}
		if err != nil {
			return err
		}
		if job == metal.JobScript { // what the tenant's script does to the disks, nobody knows
			if err := q.SoilMachine(ctx, string(claim.Machine)); err != nil {
				return err
			}
		}
		if err := s.numbered(ctx, q, claim, &booting); err != nil {
			return err
		}
		return event(ctx, q, claim, "boot", "%s", nextBoot(claim.Machine, number, job, booting.Warm))
	})
	return booting, err
}

func intend(ctx context.Context, q *query.Queries, want metal.NextBoot) (int64, error) {
	machine, epoch, attempt := string(want.Claim.Machine), want.Claim.Epoch, int32(want.Attempt)
	if want.Job == metal.JobInstall || want.Job == metal.JobErase {
		number, err := q.SetWarmIntent(ctx, query.SetWarmIntentParams{
			Machine: machine, Job: string(want.Job), Run: want.Run, Epoch: epoch, Attempt: attempt, WaitingFor: waitingFor,
		})
		if !errors.Is(err, pgx.ErrNoRows) {
			return number, err
		}
	}
	return q.SetBootIntent(ctx, query.SetBootIntentParams{Machine: machine, Job: string(want.Job), Run: want.Run, Epoch: epoch, Attempt: attempt, Brief: want.Brief})
}

func (s *Store) numbered(ctx context.Context, q *query.Queries, claim metal.Claim, booting *metal.Booting) error {
	intent, err := q.GetBootIntent(ctx, string(claim.Machine))
	*booting = metal.Booting{Number: metal.BootNumber(intent.Number), Warm: intent.Warm}
	return err
}

func nextBoot(machine metal.MachineID, number int64, job metal.Job, warm bool) string {
	switch {
	case warm:
		return fmt.Sprintf("the agent that waits on machine %s is to %s, boot %d", machine, job, number)
	case job == metal.JobScript:
		return fmt.Sprintf("boot %d of machine %s is the tenant's iPXE script", number, machine)
	}
	return fmt.Sprintf("boot %d of machine %s is the agent, to %s", number, machine, job)
}

// BootDisk tells the agent of a boot to leave, and the machine to boot its
// disk. Safe to repeat.
func (s *Store) BootDisk(ctx context.Context, claim metal.Claim, boot metal.BootNumber) error {
	return s.in(ctx, func(q *query.Queries) error {
		if _, err := held(ctx, q, claim); err != nil {
			return err
		}
		n, err := q.LeaveAgent(ctx, query.LeaveAgentParams{Machine: string(claim.Machine), Number: int64(boot), Epoch: claim.Epoch})
		if err == nil && n == 0 {
			return fmt.Errorf("machine %s: boot %d is no longer its boot: %w", claim.Machine, boot, metal.ErrStaleClaim)
		}
		if err != nil {
			return err
		}
		return event(ctx, q, claim, "boot", "machine %s leaves the agent for its disk", claim.Machine)
	})
}

// IssueToken stores the hash of the token in a boot's script. A later script
// replaces the token of an earlier one.
func (s *Store) IssueToken(ctx context.Context, machine metal.MachineID, boot metal.BootNumber, hash []byte) error {
	n, err := s.Queries().IssueToken(ctx, query.IssueTokenParams{Machine: string(machine), Number: int64(boot), TokenHash: hash})
	if err == nil && n == 0 {
		return staleBoot(machine, boot)
	}
	return err
}

// TakeJob reads an agent's job at this moment. A destructive one is noted as
// handed out, and the machine as holding data, before anybody hears of it.
func (s *Store) TakeJob(ctx context.Context, machine metal.MachineID, boot metal.BootNumber, hash []byte) (metal.AgentJob, error) {
	var job metal.AgentJob
	err := s.in(ctx, func(q *query.Queries) error {
		if err := q.LockMachine(ctx, string(machine)); err != nil {
			return err
		}
		row, err := q.TakeJob(ctx, query.TakeJobParams{Machine: string(machine), Number: int64(boot), TokenHash: hash})
		if errors.Is(err, pgx.ErrNoRows) {
			return staleBoot(machine, boot)
		}
		if err != nil {
			return err
		}
		job = metal.AgentJob{Job: metal.Job(row.Job), Kexec: row.Kexec, Erase: metal.EraseExpress}
		if row.InFull {
			job.Erase = metal.EraseFull
		}
		if job.Job == metal.JobProve && len(row.BurnIn) > 0 {
			if err := json.Unmarshal(row.BurnIn, &job.BurnIn); err != nil {
				return fmt.Errorf("machine %s: read how long its plan tests it: %w", machine, err)
			}
		}
		if job.Job != metal.JobInstall {
			return nil
		}
		d, err := q.JobDevice(ctx, row.Device)
		if err != nil {
			return fmt.Errorf("machine %s: what to install for device %s: %w", machine, row.Device, err)
		}
		job.Image, job.Storage = metal.Image{ID: d.Image, Size: d.Size}, d.Storage
		return q.SoilMachine(ctx, string(machine))
	})
	return job, s.overheard(ctx, machine, boot, err)
}

func staleBoot(machine metal.MachineID, boot metal.BootNumber) error {
	return fmt.Errorf("machine %s: boot %d is not its boot, or the token not this boot's: %w", machine, boot, metal.ErrStaleClaim)
}

// maxDetail is what a report's sentence may take in the database.
const maxDetail = 1000

// Record writes what a machine said, before anybody is told, and keeps what
// came with it: the certificates of an erasure, the hardware of an agent that
// came up. A repeat finds the first row. The hash is nil for what the machine's
// source address vouches for.
func (s *Store) Record(ctx context.Context, said metal.Said) (metal.RecordedReport, error) {
	r := said.Report
	var recorded metal.RecordedReport
	err := s.in(ctx, func(q *query.Queries) error {
		row, err := q.RecordReport(ctx, query.RecordReportParams{
			Machine: string(r.Machine), Number: int64(r.Boot), Kind: string(r.Kind), Detail: clean(r.Detail),
			WithToken: r.Kind != metal.PhoneHome && r.Kind != metal.Scripted, TokenHash: said.TokenHash,
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return staleBoot(r.Machine, r.Boot)
		}
		if err != nil {
			return err
		}
		recorded = recordedReport(row)
		if err := keepSaid(ctx, q, said); err != nil {
			return err
		}
		m, err := q.GetMachine(ctx, row.Machine)
		if err != nil || m.Device == nil {
			return err
		}
		claim := metal.Claim{Device: metal.DeviceID(*m.Device), Machine: r.Machine}
		return event(ctx, q, claim, row.Kind, "%s", inWords(recorded.Report))
	})
	return recorded, s.overheard(ctx, r.Machine, r.Boot, err)
}

// inWords is a report as people read it among a device's events.
func inWords(r metal.Report) string {
	words := map[metal.ReportKind]string{
		metal.AgentUp:   "the agent runs",
		metal.Installed: "image written, read back and found whole",
		metal.Erased:    "every disk erased and read back",
		metal.AgentFail: "the agent cannot do its job",
		metal.PhoneHome: "the installed system is up",
		metal.Rescued:   "the rescue system takes SSH connections",
		metal.Scripted:  "the tenant's iPXE script was fetched",
		metal.NoKexec:   "kexec was refused, the machine reboots",
	}[r.Kind]
	if r.Detail == "" {
		return words
	}
	return words + ": " + r.Detail
}

// clean makes a machine's words fit for the database: bounded, and without the
// bytes that Postgres refuses in text.
func clean(detail string) string {
	detail = strings.ReplaceAll(strings.ToValidUTF8(detail, "?"), "\x00", "")
	runes := []rune(detail)
	return string(runes[:min(len(runes), maxDetail)])
}

func recordedReport(row query.Report) metal.RecordedReport {
	return metal.RecordedReport{ID: row.ID, Run: row.Run, Report: metal.Report{
		Machine: metal.MachineID(row.Machine), Boot: metal.BootNumber(row.Boot),
		Kind: metal.ReportKind(row.Kind), Detail: row.Detail,
	}}
}

// Unsignalled lists reports of a site whose runs have not heard of them yet,
// oldest first.
func (s *Store) Unsignalled(ctx context.Context, site metal.SiteID) ([]metal.RecordedReport, error) {
	rows, err := s.Queries().UnsignalledReports(ctx, string(site))
	reports := make([]metal.RecordedReport, len(rows))
	for i, row := range rows {
		reports[i] = recordedReport(row)
	}
	return reports, err
}

// Signalled notes that a report's run has heard of it. Safe to repeat.
func (s *Store) Signalled(ctx context.Context, id int64) error {
	return s.Queries().MarkSignalled(ctx, id)
}
