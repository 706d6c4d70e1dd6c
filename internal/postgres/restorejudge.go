package postgres

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/survey"
)

// judging is one look at a site's restored records, in one transaction.
type judging struct {
	q       *query.Queries
	restore query.LastRestoreRow
	site    metal.SiteID
	world   survey.World
	on      map[netip.Prefix]survey.Seen // where each tenant's prefix is to be seen
	result  metal.Surveyed
}

// JudgeSite holds what was seen of a site against the restored records. What
// agrees is nobody's worry any more; what does not is taken aside, held and
// called out; what cannot be told stays in doubt. Patience is for how long an
// agent may be silent, and looks how often a BMC is asked. Safe to repeat.
func (s *Store) JudgeSite(ctx context.Context, site metal.SiteID, patience time.Duration, looks int) (metal.Surveyed, error) {
	var result metal.Surveyed
	err := s.retried(ctx, func(q *query.Queries) error {
		if err := q.LockRestores(ctx); err != nil {
			return err
		}
		if err := q.AsSurvey(ctx); err != nil {
			return err
		}
		last, err := q.LastRestore(ctx)
		if err != nil || len(last) == 0 || last[0].OverAt != nil {
			return err
		}
		j := &judging{q: q, restore: last[0], site: site, on: map[netip.Prefix]survey.Seen{}}
		j.world = survey.World{Patience: patience, Looks: looks}
		err = j.run(ctx)
		result = j.result
		return err
	})
	if err != nil {
		return result, fmt.Errorf("site %s: hold what was seen against the records: %w", site, err)
	}
	return result, nil
}

func (j *judging) run(ctx context.Context) error {
	records, err := j.read(ctx)
	if err != nil {
		return err
	}
	if err := j.homeless(ctx); err != nil {
		return err
	}
	for _, r := range records {
		if err := j.machine(ctx, r); err != nil {
			return fmt.Errorf("machine %s: %w", r.Machine, err)
		}
	}
	if err := j.strangers(ctx); err != nil {
		return err
	}
	j.result.Doubt += len(j.world.Dark)
	if err := j.q.DropJudged(ctx, string(j.site)); err != nil {
		return err
	}
	if _, err := j.q.EndSwitchDoubts(ctx, string(j.site)); err != nil {
		return err
	}
	return j.q.EndRestore(ctx)
}

// machine does what the verdict on a machine says.
func (j *judging) machine(ctx context.Context, r record) error {
	v := j.world.Machine(r.Record)
	if v.Outcome == survey.Waits {
		j.result.Doubt++
		return nil
	}
	if err := j.q.EndDoubt(ctx, string(r.Machine)); err != nil {
		return err
	}
	for _, seen := range append(v.Hold, j.loopbacks(r.Record)...) {
		if err := j.hold(ctx, seen); err != nil {
			return err
		}
	}
	switch v.Outcome {
	case survey.Aside:
		return j.aside(ctx, r, v)
	case survey.Installed:
		return j.installed(ctx, r, v)
	}
	j.result.Agreed++
	if r.State != metal.Claimed {
		return nil
	}
	return j.call(ctx, metal.Called{Kind: metal.GoesOn, Machine: r.Machine, Device: r.Device,
		Evidence: fmt.Sprintf("its run was open when the backup was taken (%s), and nothing says that it ended since", r.underWay()),
		Next:     "nothing; if its tenant says that it had ended, cancel it or order anew"})
}

// aside takes a machine out of everybody's reach, with its port as it is.
func (j *judging) aside(ctx context.Context, r record, v survey.Verdict) error {
	if r.Device != "" {
		if err := j.gone(ctx, r.Device, r.DeviceState, v.Why); err != nil {
			return err
		}
	}
	id := string(r.Machine)
	if v.Kind == metal.RestoredDifferently {
		if err := j.q.LeavePorts(ctx, query.LeavePortsParams{Machine: id, Why: "left as the survey after a restore found it: " + clean(v.Why)}); err != nil {
			return err
		}
	}
	if r.State != metal.Retired {
		if err := j.quarantine(ctx, id, v); err != nil {
			return err
		}
	}
	next := fmt.Sprintf("find out whose it is (starter console %s); once nobody needs it: starter machine commission %s, which parks its port and erases it", id, id)
	if v.Kind != metal.RestoredDifferently {
		next = fmt.Sprintf("mend its BMC (starter machine issues %s); then starter machine commission %s", id, id)
	}
	port := ""
	if len(r.Ports) > 0 {
		port = r.Ports[0].Port.String()
	}
	return j.call(ctx, metal.Called{Kind: metal.MachineAside, Machine: r.Machine, Port: port, Device: r.Device, Evidence: v.Why, Next: next})
}

func (j *judging) quarantine(ctx context.Context, id string, v survey.Verdict) error {
	if err := j.q.TakeAside(ctx, query.TakeAsideParams{Machine: id, Reason: "restored from a backup: " + clean(v.Why)}); err != nil {
		return err
	}
	if err := j.q.EndBootIntent(ctx, id); err != nil {
		return err
	}
	m, err := lockLife(ctx, j.q, metal.MachineID(id))
	if err != nil {
		return err
	}
	look := metal.LookSurvey
	if v.Kind != metal.RestoredDifferently {
		look = metal.LookPatrol // whose word it is that the BMC is well again
	}
	found := metal.Found{Machine: metal.MachineID(id), Look: look, Partial: true,
		Findings: []metal.Finding{{Kind: v.Kind, Severity: metal.Failing, Detail: v.Why}}}
	if err := openFindings(ctx, j.q, m, found); err != nil {
		return err
	}
	if _, err := judge(ctx, j.q, m); err != nil {
		return err
	}
	return event(ctx, j.q, metal.Claim{Machine: metal.MachineID(id)}, "quarantine", "machine %s is in quarantine: restored from a backup: %s", id, v.Why)
}

// installed leaves a device where its port has it: in its tenant's hands. What
// is left of the run that the records have open is stale.
func (j *judging) installed(ctx context.Context, r record, v survey.Verdict) error {
	outcome := "the database was restored while its run was open, and the device's port is open: the run had ended, or had not begun; look, and order again if it is not as ordered"
	id := string(r.Machine)
	if err := setState(ctx, j.q, r.Device, metal.Active, ""); err != nil {
		return err
	}
	if err := j.q.OpenPorts(ctx, query.OpenPortsParams{Machine: id, Device: string(r.Device)}); err != nil {
		return err
	}
	if err := j.q.Occupy(ctx, id); err != nil {
		return err
	}
	if err := j.q.EndBootIntent(ctx, id); err != nil {
		return err
	}
	claim := metal.Claim{Device: r.Device, Machine: r.Machine}
	if err := endOrder(ctx, j.q, claim, metal.Ending{State: metal.Failed, Outcome: outcome}); err != nil {
		return err
	}
	if err := event(ctx, j.q, claim, string(metal.Active), "device is active: %s", outcome); err != nil {
		return err
	}
	return j.call(ctx, metal.Called{Kind: metal.InstalledSince, Machine: r.Machine, Port: r.Ports[0].Port.String(), Device: r.Device, Evidence: v.Why,
		Next: "ask its tenant what is on it; it is charged from now on, and between the backup and now nobody counted"})
}

// gone ends a device that lives on no machine we know of. One that was to go
// anyway is taken apart by its run, with nothing left to erase.
func (j *judging) gone(ctx context.Context, id metal.DeviceID, state metal.DeviceState, why string) error {
	for _, p := range j.world.Leases[id] {
		if seen, yes := j.on[p]; yes {
			if err := j.hold(ctx, seen); err != nil {
				return err
			}
		}
	}
	next := "nothing: it was to go, and its deprovision ends by itself"
	if state != metal.Deprovisioning {
		next = fmt.Sprintf("ask its tenant; starter deprovision %s ends it here; its usage ends at the backup, and what was charged since stands in bills alone", id)
		if err := j.fail(ctx, id, why); err != nil {
			return err
		}
	}
	return j.call(ctx, metal.Called{Kind: metal.DeviceGone, Device: id, Evidence: why, Next: next})
}

func (j *judging) fail(ctx context.Context, id metal.DeviceID, why string) error {
	if err := j.q.StopUsage(ctx, query.StopUsageParams{Device: string(id), Since: j.restore.Since}); err != nil {
		return err
	}
	if err := releaseLeases(ctx, j.q, id); err != nil {
		return err
	}
	return endDevice(ctx, j.q, metal.Claim{Device: id}, metal.Ending{State: metal.Failed, Outcome: "the database was restored from a backup: " + why})
}

// homeless are devices that wait for a machine, and have one since: a second one
// would be given to the same order.
func (j *judging) homeless(ctx context.Context) error {
	rows, err := j.q.Homeless(ctx, string(j.site))
	if err != nil {
		return err
	}
	for _, d := range rows {
		id := metal.DeviceID(d.ID)
		if at, yes := j.world.Elsewhere(id, nil); yes {
			if err := j.gone(ctx, id, metal.DeviceState(d.State), fmt.Sprintf("device %s is to be seen on port %s", id, at.Port)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *judging) call(ctx context.Context, c metal.Called) error {
	if c.Kind != metal.GoesOn {
		j.result.Called++
	}
	params := query.CallOutParams{Restore: j.restore.ID, Kind: string(c.Kind), Site: string(j.site), Machine: string(c.Machine), Port: c.Port,
		Device: string(c.Device), Evidence: clean(c.Evidence), Next: c.Next}
	if c.Prefix.IsValid() {
		params.Prefix = &c.Prefix
	}
	return j.q.CallOut(ctx, params)
}
