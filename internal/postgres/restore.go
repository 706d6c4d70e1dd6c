package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// NoteRestore notes that the database was restored from a backup: all machines
// and switches are in doubt from here on, and nobody touches what is. Numbers
// jump over those that were counted after the backup. The records are of the
// moment since, or, where it is zero, of their newest sentence. A repeat begins
// anew, and forgets what was read so far.
func (s *Store) NoteRestore(ctx context.Context, since time.Time, by string) (metal.Restored, error) {
	err := s.in(ctx, func(q *query.Queries) error {
		if err := q.LockRestores(ctx); err != nil {
			return err
		}
		if since.IsZero() {
			var err error
			if since, err = q.LastMoment(ctx); err != nil {
				return err
			}
		}
		for _, begin := range []func(context.Context) error{q.CloseRestores, q.ForgetDoubts, q.LiftIdentities, q.JumpBoots, q.JumpEpochs} {
			if err := begin(ctx); err != nil {
				return err
			}
		}
		id, err := q.InsertRestore(ctx, query.InsertRestoreParams{Since: since, NotedBy: by})
		if err != nil {
			return err
		}
		if _, err := q.DoubtSwitches(ctx, id); err != nil {
			return err
		}
		_, err = q.DoubtMachines(ctx, id)
		return err
	})
	if err != nil {
		return metal.Restored{}, fmt.Errorf("note a restore: %w", err)
	}
	return s.Restored(ctx)
}

// Restored is the last restore that was noted; zero where there was none.
func (s *Store) Restored(ctx context.Context) (metal.Restored, error) {
	rows, err := s.Queries().LastRestore(ctx)
	if err != nil || len(rows) == 0 {
		return metal.Restored{}, err
	}
	r := rows[0]
	restored := metal.Restored{ID: r.ID, Since: r.Since, NotedAt: r.NotedAt, By: r.NotedBy, Machines: int(r.Machines), Switches: int(r.Switches)}
	if r.OverAt != nil {
		restored.Over = *r.OverAt
	}
	return restored, nil
}

// SitesInDoubt lists the sites that a survey is due at.
func (s *Store) SitesInDoubt(ctx context.Context) ([]metal.SiteID, error) {
	rows, err := s.Queries().SitesInDoubt(ctx)
	sites := make([]metal.SiteID, len(rows))
	for i, id := range rows {
		sites[i] = metal.SiteID(id)
	}
	return sites, err
}

// Doubt is what is still to be looked at of a site.
func (s *Store) Doubt(ctx context.Context, site metal.SiteID) (metal.Doubt, error) {
	var d metal.Doubt
	switches, err := s.Queries().SwitchesToRead(ctx, string(site))
	if err != nil {
		return d, fmt.Errorf("site %s: list switches in doubt: %w", site, err)
	}
	for _, w := range switches {
		d.Switches = append(d.Switches, metal.Switch{ID: metal.SwitchID(w.ID), Site: site, Address: w.Address, HostKey: w.HostKey,
			Credential: w.Credential, Driver: w.Driver, FilterTerms: int(w.FilterTerms)})
	}
	machines, err := s.Queries().BMCsToAsk(ctx, string(site))
	if err != nil {
		return d, fmt.Errorf("site %s: list machines in doubt: %w", site, err)
	}
	for _, m := range machines {
		var bmc BMCRecord
		if err := json.Unmarshal(m.Bmc, &bmc); err != nil {
			return d, fmt.Errorf("machine %s: its BMC record: %w", m.ID, err)
		}
		d.Machines = append(d.Machines, bmc.metal(m.ID))
	}
	return d, nil
}

// KeepCarried keeps what a switch's ports carry. Safe to repeat.
func (s *Store) KeepCarried(ctx context.Context, id metal.SwitchID, ports []metal.Carried) error {
	err := s.in(ctx, func(q *query.Queries) error {
		if err := q.DropCarried(ctx, string(id)); err != nil {
			return err
		}
		for _, p := range ports {
			if err := q.KeepCarried(ctx, query.KeepCarriedParams{Switch: string(id), Port: p.Port.Name, Words: clean(p.Words),
				Prefixes: notNil(p.Prefixes), Announced: notNil(p.Announced)}); err != nil {
				return err
			}
		}
		return q.MarkRead(ctx, string(id))
	})
	if err != nil {
		return fmt.Errorf("switch %s: keep what its ports carry: %w", id, err)
	}
	return nil
}

// NoteDark keeps why a switch could not be read.
func (s *Store) NoteDark(ctx context.Context, id metal.SwitchID, problem string) error {
	return s.Queries().MarkDark(ctx, query.MarkDarkParams{Switch: string(id), Problem: clean(problem)})
}

// KeepFoundPower keeps what a BMC said, or that it did not.
func (s *Store) KeepFoundPower(ctx context.Context, f metal.FoundPower) error {
	return s.Queries().KeepFoundPower(ctx, query.KeepFoundPowerParams{Machine: string(f.Machine), Power: string(f.Power), Kind: string(f.Kind), Problem: clean(f.Problem)})
}

// overheard keeps that an agent named a boot which the records do not know,
// while its machine is in doubt: it was booted after the backup. The caller's
// error stays what it is.
func (s *Store) overheard(ctx context.Context, machine metal.MachineID, boot metal.BootNumber, err error) error {
	if !errors.Is(err, metal.ErrStaleClaim) {
		return err
	}
	return errors.Join(err, s.Queries().NoteStray(ctx, query.NoteStrayParams{Machine: string(machine), Boot: int64(boot)}))
}

// certain leaves out of a commit the ports of machines that are in doubt after a
// restore, and refuses one of a switch that was not read yet.
func certain(ctx context.Context, q *query.Queries, id metal.SwitchID, change metal.Change) (metal.Change, error) {
	doubt, err := q.DoubtOnSwitch(ctx, string(id))
	if err != nil {
		return change, fmt.Errorf("switch %s: ask whether it is in doubt: %w", id, err)
	}
	if doubt.Unread {
		return change, fmt.Errorf("switch %s: the database was restored, and nobody has read the switch since; the survey does it: starter restored report", id)
	}
	change.Ports = slices.DeleteFunc(change.Ports, func(p metal.PortIntent) bool { return slices.Contains(doubt.Doubted, p.Port.Name) })
	return change, nil
}

// decided closes what a survey found of a machine that is to be erased with
// proof: somebody has decided whose it is, and the proof ends the doubt.
func decided(ctx context.Context, q *query.Queries, machine metal.MachineID, errand metal.Errand) error {
	if errand != metal.ForCommission && errand != metal.ForRetire {
		return nil
	}
	closed, err := q.CloseSurveyed(ctx, query.CloseSurveyedParams{Machine: string(machine), By: string(errand)})
	if err != nil || closed == 0 {
		return err
	}
	m, err := lockLife(ctx, q, machine)
	if err == nil {
		_, err = judge(ctx, q, m)
	}
	return err
}
