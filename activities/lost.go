package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"millwright/internal/metal"
)

// Lost finds what nobody sees to: orders whose run was lost, devices whose run
// was terminated, ports that are not brought. It also ends the quarantine of addresses.
type Lost struct {
	Store LostStore
	Runs  Runs
	Line  *Line // of devices that wait for a machine

	Behind time.Duration // how long a port may wait for a commit before somebody looks; 0: 30 s
	Keep   metal.Keep    // for how long what has happened is kept
}

// LostStore lists what only an open run may leave as it is.
type LostStore interface {
	TerminateDue(ctx context.Context) ([]metal.LostOrder, error)
	OpenOrders(ctx context.Context, olderThan time.Duration, most int) ([]metal.LostOrder, error)
	Unsettled(ctx context.Context, olderThan time.Duration, most int) ([]metal.Unsettled, error)
	FreeRested(ctx context.Context) (int, error)
	Forgetting
	Sites(ctx context.Context) ([]metal.SiteID, error)
	Switches(ctx context.Context) ([]metal.Switch, error)
	SitesInDoubt(ctx context.Context) ([]metal.SiteID, error)
	// SwitchesBehind have ports that should have been brought, and were not refused.
	SwitchesBehind(ctx context.Context, olderThan time.Duration, most int) ([]metal.Switch, error)
	// OpenFleets have no outcome.
	OpenFleets(ctx context.Context, olderThan time.Duration, most int) ([]metal.LostFleet, error)
}

// Runs knows which runs are open, by workflow ID.
type Runs interface {
	Open(ctx context.Context, workflowID string) (bool, error)
}

const (
	// lostAfter is how long a row may be ahead of its run: a starter commits
	// the row first, and a run's last activity is ahead of its closing.
	lostAfter = 10 * time.Second
	// lostAtOnce bounds one pass; the next one takes the rest.
	lostAtOnce = 200
	// behindAfter is longer than commits take, which are seconds.
	behindAfter = 30 * time.Second
)

// FindLostInput names how the caller's runs are called: workflows fix the
// names.
type FindLostInput struct {
	OrderRun  string // prefix of an order's run
	DeviceRun string // prefix of a device's run
	FleetRun  string // prefix of a fleet's run
}

// FindLostResult lists what to start.
type FindLostResult struct {
	Orders   []metal.LostOrder
	Devices  []metal.Unsettled
	Fleets   []metal.LostFleet `json:",omitempty"`
	Switches []SwitchToCheck   // with ports that wait
	Doubted  []metal.SiteID    `json:",omitempty"` // sites that nobody has compared with the world since a restore
}

// FindLost compares what Postgres says is under way with the runs that are
// open, and lists what has none. It also returns rested addresses to their
// blocks, forgets what is older than it is kept, and orders the end of devices whose
// time has come.
func (l *Lost) FindLost(ctx context.Context, in FindLostInput) (FindLostResult, error) {
	defer beat(ctx)()
	var found FindLostResult
	if _, err := l.Store.FreeRested(ctx); err != nil {
		return found, classify(err)
	}
	l.forget(ctx)
	if _, err := l.Line.Call(ctx); err != nil {
		return found, classify(err)
	}
	due, err := l.Store.TerminateDue(ctx)
	if err != nil {
		return found, classify(err)
	}
	found.Orders = due // a repeat finds them as orders without a run
	orders, err := l.Store.OpenOrders(ctx, lostAfter, lostAtOnce)
	if err != nil {
		return found, classify(err)
	}
	for _, o := range orders {
		if lost, err := l.orderLost(ctx, in, o); err != nil {
			return found, err
		} else if lost {
			found.Orders = append(found.Orders, o)
		}
	}
	devices, err := l.Store.Unsettled(ctx, lostAfter, lostAtOnce)
	if err != nil {
		return found, classify(err)
	}
	for _, d := range devices {
		if lost, err := l.closed(ctx, in.DeviceRun+string(d.Device)); err != nil {
			return found, err
		} else if lost {
			found.Devices = append(found.Devices, d)
		}
	}
	fleets, err := l.Store.OpenFleets(ctx, lostAfter, lostAtOnce)
	if err != nil {
		return found, classify(err)
	}
	for _, f := range fleets {
		if lost, err := l.closed(ctx, in.FleetRun+string(f.Fleet)); err != nil {
			return found, err
		} else if lost {
			found.Fleets = append(found.Fleets, f)
		}
	}
	behind, err := l.Store.SwitchesBehind(ctx, cmp.Or(l.Behind, behindAfter), lostAtOnce)
	if err != nil {
		return found, classify(err)
	}
	found.Switches = toCheck(behind)
	found.Doubted, err = l.Store.SitesInDoubt(ctx)
	return found, classify(err)
}

// orderLost tells whether neither the order's run is open nor its device's,
// which may wait for a machine.
func (l *Lost) orderLost(ctx context.Context, in FindLostInput, o metal.LostOrder) (bool, error) {
	for _, run := range []string{in.OrderRun + string(o.Order), in.DeviceRun + string(o.Device)} {
		if closed, err := l.closed(ctx, run); err != nil || !closed {
			return false, errors.Join(err, l.Line.Store.SeenWaiting(ctx, o.Device))
		}
	}
	return true, nil
}

func (l *Lost) closed(ctx context.Context, id string) (bool, error) {
	open, err := l.Runs.Open(ctx, id)
	if err != nil {
		return false, fmt.Errorf("ask whether run %s is open: %w", id, err)
	}
	return !open, nil
}

// ListSitesInput is empty.
type ListSitesInput struct{}

// ListSitesResult lists the sites that are visited.
type ListSitesResult struct {
	Sites []metal.SiteID
}

// ListSites lists the sites that have machines.
func (l *Lost) ListSites(ctx context.Context, _ ListSitesInput) (ListSitesResult, error) {
	sites, err := l.Store.Sites(ctx)
	return ListSitesResult{Sites: sites}, classify(err)
}

// ListSwitchesInput is empty.
type ListSwitchesInput struct{}

// ListSwitchesResult lists the switches to be compared.
type ListSwitchesResult struct {
	Switches []SwitchToCheck
}

// SwitchToCheck is a switch with ports of ours.
type SwitchToCheck struct {
	Switch metal.SwitchID
	Site   metal.SiteID
	Repair bool // what is not as intended is to be repaired
}

// ListSwitches lists the switches that have ports of ours.
func (l *Lost) ListSwitches(ctx context.Context, _ ListSwitchesInput) (ListSwitchesResult, error) {
	all, err := l.Store.Switches(ctx)
	return ListSwitchesResult{Switches: toCheck(all)}, classify(err)
}

func toCheck(all []metal.Switch) (list []SwitchToCheck) {
	for _, s := range all {
		list = append(list, SwitchToCheck{Switch: s.ID, Site: s.Site, Repair: s.Repair})
	}
	return list
}
