package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// ReleaseMachine gives back what a device holds. A machine that may hold data
// stays as it is, and the answer is dirty, unless the boot named reported its
// erasure. A claim that is no longer held has nothing to release: a repeat
// whose first answer was lost finds the work done.
func (s *Store) ReleaseMachine(ctx context.Context, claim metal.Claim, boot metal.BootNumber, end metal.Ending) (dirty bool, err error) {
	err = s.in(ctx, func(q *query.Queries) error {
		d, err := lockDevice(ctx, q, claim.Device)
		if err != nil {
			return err
		}
		if claim.Machine == "" {
			return endWithout(ctx, q, d, claim, end)
		}
		machine, err := held(ctx, q, claim)
		if errors.Is(err, metal.ErrStaleClaim) {
			return nil
		}
		if err != nil {
			return err
		}
		if machine.Dirty {
			proven, err := proveErasure(ctx, q, claim, boot)
			if err != nil || !proven {
				dirty = err == nil
				return err
			}
		}
		if err := freeMachine(ctx, q, claim); err != nil {
			return err
		}
		if err := correctPorts(ctx, q, claim, metal.Parked); err != nil {
			return err
		}
		return letGo(ctx, q, claim, end)
	})
	return dirty, err
}

// correctPorts has the last word of a claim about its ports. An attempt of an
// earlier step that froze, and that nobody waits for, may have written its own
// since; after this transaction the claim is over, and it is refused.
func correctPorts(ctx context.Context, q *query.Queries, claim metal.Claim, profile metal.Profile) error {
	device := ""
	if profile == metal.Tenant {
		device = string(claim.Device)
	}
	n, err := q.CorrectPorts(ctx, query.CorrectPortsParams{Machine: string(claim.Machine), Profile: string(profile), Device: device, Reason: why(claim, profile)})
	if err != nil || n == 0 {
		return err
	}
	return event(ctx, q, claim, "port", "%d ports of %s were not %s: an attempt came late; they are brought", n, claim.Machine, profile)
}

// freeMachine gives the machine to the pool, or to quarantine where an issue
// keeps it from there.
func freeMachine(ctx context.Context, q *query.Queries, claim metal.Claim) error {
	why, err := blocking(ctx, q, string(claim.Machine))
	if err != nil {
		return err
	}
	if err := q.FreeMachine(ctx, query.FreeMachineParams{ID: string(claim.Machine), Why: outlined(why)}); err != nil || len(why) == 0 {
		return err
	}
	return event(ctx, q, metal.Claim{Machine: claim.Machine}, "quarantine", "machine %s is in quarantine: %s", claim.Machine, outlined(why))
}

// proveErasure records what proves that a boot erased the machine: its own word,
// and a certificate for each disk that the machine is known to have. A disk that
// did not show up may come back with its data.
func proveErasure(ctx context.Context, q *query.Queries, claim metal.Claim, boot metal.BootNumber) (bool, error) {
	machine := string(claim.Machine)
	if boot == 0 {
		return false, nil
	}
	missing, err := q.UncertifiedDisks(ctx, query.UncertifiedDisksParams{Machine: machine, Boot: int64(boot)})
	if err != nil {
		return false, err
	}
	if len(missing) > 0 {
		return false, event(ctx, q, claim, "erase", "boot %d brought no certificate of a full erasure of disks %s", boot, strings.Join(missing, ", "))
	}
	proofs, err := q.RecordErasure(ctx, query.RecordErasureParams{Machine: machine, Device: string(claim.Device), Boot: int64(boot)})
	return proofs > 0, err
}

// endWithout ends a run that holds no machine. A device that has one
// nevertheless, or that no run has under way, is not this run's to end: only
// the order gets its outcome.
func endWithout(ctx context.Context, q *query.Queries, d query.Device, claim metal.Claim, end metal.Ending) error {
	_, err := q.MachineOfDevice(ctx, d.ID)
	if err == nil || !underWay(metal.DeviceState(d.State)) {
		return endOrder(ctx, q, claim, end)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if end.Order != "" {
		row, err := q.GetOrder(ctx, string(end.Order))
		if err != nil {
			return err
		}
		if !brought(row, metal.DeviceState(d.State)) {
			return endOrder(ctx, q, claim, end)
		}
	}
	if err := releaseLeases(ctx, q, claim.Device); err != nil {
		return err
	}
	return endDevice(ctx, q, claim, end)
}

// underWay are the states that only a run leaves.
func underWay(state metal.DeviceState) bool {
	return state == metal.Queued || slices.Contains(starts[metal.ActionRecover], state)
}

// AbandonOrder ends an order before any run was started for it; the device of
// a provision has failed then. One that was never recorded needs no end. Safe
// to repeat.
func (s *Store) AbandonOrder(ctx context.Context, order metal.OrderID, outcome string) error {
	return s.in(ctx, func(q *query.Queries) error {
		row, err := q.GetOrder(ctx, string(order))
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("order %s: %w", order, err)
		}
		claim := metal.Claim{Device: metal.DeviceID(row.Device)}
		end := metal.Ending{Order: order, State: metal.Failed, Outcome: outcome}
		d, err := lockDevice(ctx, q, claim.Device)
		if err != nil {
			return err
		}
		if row.Action == string(metal.ActionProvision) && d.State == string(metal.Queued) {
			return endWithout(ctx, q, d, claim, end)
		}
		if err := endOrder(ctx, q, claim, end); err != nil {
			return err
		}
		return takeBack(ctx, q, d, row)
	})
}

// letGo clears the boot intent, sends the addresses to quarantine and ends the
// device.
func letGo(ctx context.Context, q *query.Queries, claim metal.Claim, end metal.Ending) error {
	if err := q.EndBootIntent(ctx, string(claim.Machine)); err != nil {
		return err
	}
	if err := releaseLeases(ctx, q, claim.Device); err != nil {
		return err
	}
	if err := event(ctx, q, claim, "release", "machine %s and addresses given back", claim.Machine); err != nil {
		return err
	}
	return endDevice(ctx, q, claim, end)
}

// endDevice leaves the device in its last state of this run, and its order with
// an outcome.
func endDevice(ctx context.Context, q *query.Queries, claim metal.Claim, end metal.Ending) error {
	if err := setState(ctx, q, claim.Device, end.State, reason(end)); err != nil {
		return err
	}
	if err := event(ctx, q, claim, string(end.State), "%s", sentence(end)); err != nil {
		return err
	}
	return endOrder(ctx, q, claim, end)
}

func endOrder(ctx context.Context, q *query.Queries, claim metal.Claim, end metal.Ending) error {
	return q.EndOrder(ctx, query.EndOrderParams{
		ID: string(end.Order), Device: string(claim.Device), State: orderState(end), Outcome: sentence(end),
	})
}

// orderState is how an order ends: an outcome is why it went otherwise than
// ordered.
func orderState(end metal.Ending) string {
	if end.State == metal.Failed || end.Outcome != "" {
		return "failed"
	}
	return "done"
}

func reason(end metal.Ending) string {
	if end.State == metal.Failed {
		return end.Outcome
	}
	return ""
}

func sentence(end metal.Ending) string {
	if end.Outcome != "" {
		return end.Outcome
	}
	return "device is " + string(end.State)
}

// QuarantineMachine takes a machine out of use. A repeat, and a claim that is
// no longer held, find nothing to do.
func (s *Store) QuarantineMachine(ctx context.Context, quarantine metal.Quarantine) error {
	claim := quarantine.Claim
	return s.in(ctx, func(q *query.Queries) error {
		if claim.Device != "" {
			if _, err := lockDevice(ctx, q, claim.Device); err != nil {
				return err
			}
		}
		_, err := held(ctx, q, claim)
		if errors.Is(err, metal.ErrStaleClaim) {
			return nil
		}
		if err != nil {
			return err
		}
		keep, err := mustKeep(ctx, q, quarantine)
		if err != nil {
			return err
		}
		if err := q.QuarantineMachine(ctx, query.QuarantineMachineParams{ID: string(claim.Machine), Reason: quarantine.Reason, KeepDevice: keep}); err != nil {
			return err
		}
		if err := event(ctx, q, claim, "quarantine", "machine %s is in quarantine: %s", claim.Machine, quarantine.Reason); err != nil {
			return err
		}
		if quarantine.Ending == nil {
			return q.EndBootIntent(ctx, string(claim.Machine))
		}
		if keep {
			if err := q.EndBootIntent(ctx, string(claim.Machine)); err != nil {
				return err
			}
			return endDevice(ctx, q, claim, *quarantine.Ending)
		}
		return letGo(ctx, q, claim, *quarantine.Ending)
	})
}

// mustKeep reports whether the machine's port may still route the device's
// addresses: then nobody else may have them, whatever the run believes.
func mustKeep(ctx context.Context, q *query.Queries, quarantine metal.Quarantine) (bool, error) {
	if quarantine.Keep {
		return true, nil
	}
	m, err := q.GetMachine(ctx, string(quarantine.Claim.Machine))
	if err != nil {
		return false, err
	}
	parked, err := q.ParkedAndApplied(ctx, m.ID)
	if err != nil {
		return false, fmt.Errorf("port %s:%s: %w", m.Switch, m.Port, err)
	}
	return !parked, nil
}

// ActivateDevice hands the device to its tenant: usage starts. A repeat finds
// the machine occupied under the same claim.
func (s *Store) ActivateDevice(ctx context.Context, claim metal.Claim, end metal.Ending) error {
	return s.settle(ctx, claim, end)
}

// SettleDevice leaves machine and addresses with the device. A repeat finds
// the machine occupied under the same claim; a device without a machine is
// ended as it is.
func (s *Store) SettleDevice(ctx context.Context, claim metal.Claim, end metal.Ending) error {
	return s.settle(ctx, claim, end)
}

// settle leaves a device on its machine. One that is active is paid for from
// then on, whatever run made it so.
func (s *Store) settle(ctx context.Context, claim metal.Claim, end metal.Ending) error {
	return s.in(ctx, func(q *query.Queries) error {
		d, err := lockDevice(ctx, q, claim.Device)
		if err != nil {
			return err
		}
		if claim.Machine == "" {
			return endWithout(ctx, q, d, claim, end)
		}
		_, err = held(ctx, q, claim)
		if errors.Is(err, metal.ErrStaleClaim) {
			done, again := q.SettledUnder(ctx, query.SettledUnderParams{Machine: string(claim.Machine), Device: string(claim.Device), Epoch: claim.Epoch})
			if again == nil && done {
				return nil
			}
			return errors.Join(err, again)
		}
		if err != nil {
			return err
		}
		if err := q.SettleMachine(ctx, string(claim.Machine)); err != nil {
			return err
		}
		if end.State == metal.Active {
			if err := correctPorts(ctx, q, claim, metal.Tenant); err != nil {
				return err
			}
		}
		boots := q.EndBootIntent
		if end.Keep {
			boots = q.KeepBootIntent
		}
		if err := boots(ctx, string(claim.Machine)); err != nil {
			return err
		}
		return endDevice(ctx, q, claim, end)
	})
}
