//go:build !race

package workflows

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/activities"
	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// outage is a time without something: a switch, a BMC, the database, the workers.
type outage struct {
	of          string
	from, until time.Time
}

const (
	theDatabase = "the database"
	theWorkers  = "the workers"
)

// lose takes something away for a while.
func (s *story) without(what string, d time.Duration, off, on func()) {
	s.say("without %s for %s", what, d.Round(time.Second))
	o := outage{of: what, from: s.clock(), until: s.clock().Add(d)}
	s.outages = append(s.outages, o)
	off()
	s.after(d, func() {
		if !s.healed && !s.suffers(what) { // the last of several ends it
			s.say("%s is back", what)
			on()
		}
	})
}

// suffers tells whether something is away at this moment.
func (s *story) suffers(what string) bool {
	if s.healed {
		return false
	}
	for _, o := range s.outages {
		if o.of == what && s.clock().Before(o.until) {
			return true
		}
	}
	return false
}

// queued is how long an attempt waits for a worker.
func (s *story) queued() time.Duration {
	wait := some(s.chance, 20*time.Millisecond)
	if s.healed {
		return wait
	}
	for _, o := range s.outages {
		if left := o.until.Sub(s.clock()); o.of == theWorkers && left > 0 {
			wait = max(wait, left+some(s.chance, time.Second))
		}
	}
	return wait
}

// spell is how long an outage lasts: minutes as a rule, and longer than any
// undo's patience in a weary story.
func (s *story) spell() time.Duration {
	if s.mood.weary && s.plot.IntN(6) == 0 {
		return 25*time.Hour + some(s.plot, 3*time.Hour)
	}
	return rarely(s.plot, 10*time.Minute)
}

// nothing is what some outages switch off and on: who asks is told.
func nothing() {}

// outageOf takes a switch, a BMC, the database or the workers away.
func (s *story) anOutage() {
	switch s.plot.IntN(6) {
	case 0:
		s.without(theDatabase, s.spell(), nothing, nothing)
	case 1:
		s.without(theWorkers, s.spell(), nothing, nothing)
	case 2, 3:
		tor := s.tor([]string{"r1", "r2"}[s.plot.IntN(2)])
		s.without(string(tor), s.spell(), func() { s.air[tor].away = true }, func() { s.air[tor].away = false })
	default:
		id := s.someMachine()
		b := s.boxes[id]
		s.without("the BMC of "+string(id), s.spell(), func() { b.unplugged = true }, func() { b.unplugged = false })
	}
}

// aFault befalls a machine, for a while or until the world heals.
func (s *story) aFault() {
	id := s.someMachine()
	b := s.boxes[id]
	faults := []struct {
		what    string
		set     func()
		mend    func()
		instant bool
	}{
		{what: "does not boot", set: func() { b.dead = true }, mend: func() { b.dead = false }},
		{what: "runs a system that says nothing", set: func() { b.silent = true }, mend: func() { b.silent = false }},
		{what: "has a disk that fails", set: func() { b.agentFails = "disk S3: I/O error" }, mend: func() { b.agentFails = "" }},
		{what: "erases without proof", set: func() { b.eraseUnknown = true }, mend: func() { b.eraseUnknown = false }},
		{what: "answers no patrol", set: func() { b.mute = true }, mend: func() { b.mute = false }},
		{what: "hangs", set: func() { b.life++; b.waiting, b.warm = false, false }, instant: true},
		{what: "has a user that is not ours", set: func() { b.finds = finds{metal.LookBMC: {foreign}} }, instant: true},
		{what: "lost a DIMM", set: func() { b.finds = finds{metal.LookCompare: {missing}} }, mend: func() { b.finds = nil }},
	}
	f := faults[s.plot.IntN(len(faults))]
	s.say("%s %s", id, f.what)
	f.set()
	ill := outage{of: string(id), from: s.clock(), until: s.clock().Add(time.Minute)}
	if !f.instant {
		lasts := rarely(s.plot, 20*time.Minute)
		ill.until = ill.from.Add(lasts)
		s.after(lasts, f.mend)
	}
	s.outages = append(s.outages, ill)
}

var (
	foreign = metal.Finding{Kind: metal.BMCUsers, Part: "eve", Detail: "is no user of ours", Severity: metal.Failing}
	missing = metal.Finding{Kind: metal.MissingMemory, Part: "A1", Detail: "is not there", Severity: metal.Failing}
)

// heal ends everything that befell the world.
func (s *story) heal() {
	s.say("the world heals")
	s.healed = true
	for _, a := range s.air {
		a.away = false
	}
	for _, b := range s.boxes {
		b.dead, b.silent, b.agentFails, b.eraseUnknown, b.mute, b.unplugged, b.finds = false, false, "", false, false, false, nil
	}
}

// seekers registers what looks for lost work: it sees this site alone, and at
// once, because a database's clock is not virtual.
func (s *story) seekers(to registry) {
	db, err := pgx.Connect(s.t.Context(), s.dsn)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, db.Close(context.Background())) })
	lost := siteLost{Store: s.store, w: s.world, db: db}
	to.RegisterActivity(&activities.Lost{Store: lost, Runs: s, Behind: time.Nanosecond, Line: &activities.Line{Store: lost, Runs: s}})
	to.RegisterActivity(&activities.Spares{Store: lost, Runs: s})
}

// siteLost is what is lost of one site.
type siteLost struct {
	*postgres.Store
	w  *world
	db *pgx.Conn
}

// OpenOrders sees at once what Reconcile sees some minutes after a run in line was
// lost.
func (l siteLost) OpenOrders(ctx context.Context, _ time.Duration, most int) ([]metal.LostOrder, error) {
	if _, err := l.db.Exec(ctx, "update waiting set seen_at = now() - interval '1 hour' where site = $1", l.w.site); err != nil {
		return nil, err
	}
	all, err := l.Store.OpenOrders(ctx, 0, most)
	return ours(all, func(o metal.LostOrder) bool { return strings.HasPrefix(string(o.Order), l.w.own("")) }), err
}

func (l siteLost) CallWaiting(ctx context.Context, _ time.Duration, most int) ([]metal.DeviceID, error) {
	return l.Store.CallWaiting(ctx, 0, most)
}

func (l siteLost) Unsettled(ctx context.Context, _ time.Duration, most int) ([]metal.Unsettled, error) {
	all, err := l.Store.Unsettled(ctx, 0, most)
	return ours(all, func(d metal.Unsettled) bool { return d.Site == l.w.site }), err
}

func (l siteLost) SwitchesBehind(ctx context.Context, olderThan time.Duration, most int) ([]metal.Switch, error) {
	all, err := l.Store.SwitchesBehind(ctx, olderThan, most)
	return ours(all, func(sw metal.Switch) bool { return sw.Site == l.w.site }), err
}

func (l siteLost) LostSpares(ctx context.Context, _ time.Duration, most int) ([]metal.Spare, error) {
	all, err := l.Store.LostSpares(ctx, 0, most)
	return ours(all, func(m metal.Spare) bool { return m.Site == l.w.site }), err
}

func (l siteLost) MachinesToProve(ctx context.Context, most int) ([]metal.Spare, error) {
	all, err := l.Store.MachinesToProve(ctx, 1000)
	return ours(all, func(m metal.Spare) bool { return m.Site == l.w.site }), err
}

func (l siteLost) MachinesToWarm(ctx context.Context, most int) ([]metal.Spare, error) {
	all, err := l.Store.MachinesToWarm(ctx, 1000)
	return ours(all, func(m metal.Spare) bool { return m.Site == l.w.site }), err
}

// What old rows are forgotten is nothing that a story of hours sees.
func (siteLost) ForgetLogs(context.Context, time.Duration) (int64, error)    { return 0, nil }
func (siteLost) DropOldConsoles(context.Context) (int64, error)              { return 0, nil }
func (siteLost) ForgetChanges(context.Context, time.Duration) (int64, error) { return 0, nil }
func (siteLost) ForgetRepeats(context.Context, time.Duration) (int64, error) { return 0, nil }
func (siteLost) ForgetSignIns(context.Context) error                         { return nil }

func ours[T any](all []T, wanted func(T) bool) (some []T) {
	for _, one := range all {
		if wanted(one) {
			some = append(some, one)
		}
	}
	return some
}
