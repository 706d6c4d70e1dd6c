package console

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"millwright/internal/metal"
)

// defaultLease is how long the consoles of a worker that died stay unread.
const defaultLease = 10 * time.Second

// Leases is where keepers settle who reads which console.
type Leases interface {
	ConsolesWanted(ctx context.Context, site metal.SiteID, attached []metal.MachineID) ([]metal.ConsoleWatch, error)
	TakeConsole(ctx context.Context, wish metal.ConsoleWish) (metal.ConsoleLease, error)
	LeaveConsole(ctx context.Context, machine metal.MachineID, keeper string) error
	ListenConsoles(ctx context.Context, site metal.SiteID, changed func()) error
}

// Records is where what machines print is kept.
type Records interface {
	OpenConsole(ctx context.Context, w metal.ConsoleWatch) (int64, error)
	WriteConsole(ctx context.Context, id int64, keeper string, body []byte) (kept bool, err error)
	NoteConsole(ctx context.Context, id int64, note string) error
}

// Keeper reads the consoles of one site's machines. All fields but Lease, Retry
// and Metrics are needed.
type Keeper struct {
	Site    metal.SiteID
	Name    string // its own among all keepers, and another one after a restart
	Leases  Leases
	Records Records
	Open    func(ctx context.Context, b metal.BMC) (io.ReadWriteCloser, error)
	Log     *slog.Logger
	Lease   time.Duration // 10 s if zero
	Retry   time.Duration // the first pause before a console that ended is opened again; 1 s if zero
	Metrics *Metrics

	mu    sync.Mutex
	lines map[metal.MachineID]*line
	seats map[metal.MachineID]int  // how many sit at each
	none  map[metal.MachineID]none // whose BMC has no console
	woken chan struct{}            // something changed
	once  sync.Once
}

// none remembers a BMC that has no console, as it was when it said so.
type none struct {
	bmc   metal.BMC
	until time.Time
	why   error
}

// noneFor is how long a BMC is not asked again: somebody may switch its console
// on, and each asking is a session.
const noneFor = time.Hour

func (k *Keeper) prepare() {
	k.once.Do(func() {
		k.lines, k.seats = map[metal.MachineID]*line{}, map[metal.MachineID]int{}
		k.none, k.woken = map[metal.MachineID]none{}, make(chan struct{}, 1)
	})
}

// Run keeps consoles until ctx ends; then it closes and leaves them all.
func (k *Keeper) Run(ctx context.Context) {
	k.prepare()
	var listening sync.WaitGroup
	listening.Go(func() { k.listen(ctx) })
	tick := time.NewTicker(k.lease() / 3)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := k.look(ctx); err != nil && ctx.Err() == nil {
			k.Log.WarnContext(ctx, "consoles are not looked after; trying again", "site", k.Site, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-k.woken:
		}
	}
	listening.Wait()
	k.leaveAll()
}

// listen wakes the keeper at each change, and again whenever the connection
// that tells of them was lost.
func (k *Keeper) listen(ctx context.Context) {
	for ctx.Err() == nil {
		_ = k.Leases.ListenConsoles(ctx, k.Site, k.wake) // look says what is wrong with Postgres
		select {
		case <-ctx.Done():
		case <-time.After(k.lease() / 3):
		}
	}
}

func (k *Keeper) wake() {
	k.prepare()
	select {
	case k.woken <- struct{}{}:
	default: // it is about to look anyway
	}
}

// look takes what is wanted, renews what it has, and leaves the rest.
func (k *Keeper) look(ctx context.Context) error {
	sitting := k.attached()
	watches, err := k.Leases.ConsolesWanted(ctx, k.Site, sitting)
	if err != nil {
		return err
	}
	wanted := map[metal.MachineID]bool{}
	for _, w := range watches {
		machine := w.BMC.Machine
		wanted[machine] = true
		wish := metal.ConsoleWish{Machine: machine, Keeper: k.Name, Lease: k.lease(), Attached: k.sits(machine)}
		lease, err := k.Leases.TakeConsole(ctx, wish)
		switch {
		case err != nil:
			return err
		case !lease.Held:
			k.leave(machine)
		case lease.Free:
			k.keep(ctx, w)
		}
	}
	for _, machine := range k.kept() {
		// Somebody who sat down since we asked has woken us: the next look decides.
		if !wanted[machine] && (slices.Contains(sitting, machine) || !k.sits(machine)) {
			k.leave(machine)
		}
	}
	return nil
}

// keep has a machine's console read, or lets its reader know of a new boot.
func (k *Keeper) keep(ctx context.Context, w metal.ConsoleWatch) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.lines[w.BMC.Machine]; l != nil {
		l.follow(w)
		return
	}
	l := newLine(k, w)
	k.lines[w.BMC.Machine] = l
	k.Metrics.kept(1)
	go func() {
		l.run(context.WithoutCancel(ctx))
		k.Metrics.kept(-1)
		k.gone(w.BMC.Machine)
	}()
}

// leave closes a console, and says so once it is closed. It does not wait.
func (k *Keeper) leave(machine metal.MachineID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.lines[machine]; l != nil {
		l.stop()
		l.dismiss() // nobody sits down at what is being closed
	}
}

func (k *Keeper) gone(machine metal.MachineID) {
	ctx, cancel := context.WithTimeout(context.Background(), k.lease())
	defer cancel()
	if err := k.Leases.LeaveConsole(ctx, machine, k.Name); err != nil {
		k.Log.WarnContext(ctx, "a console is closed, and others learn it only when its lease ends", "machine", machine, "error", err)
	}
	k.mu.Lock()
	delete(k.lines, machine)
	k.mu.Unlock()
	k.wake() // it may be wanted again by now
}

func (k *Keeper) leaveAll() {
	for _, machine := range k.kept() {
		k.leave(machine)
	}
	k.mu.Lock()
	var all []*line
	for _, l := range k.lines {
		all = append(all, l)
	}
	k.mu.Unlock()
	for _, l := range all {
		<-l.done
	}
}

func (k *Keeper) kept() (machines []metal.MachineID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for machine := range k.lines {
		machines = append(machines, machine)
	}
	return machines
}

func (k *Keeper) lease() time.Duration { return cmp.Or(k.Lease, defaultLease) }
func (k *Keeper) retry() time.Duration { return cmp.Or(k.Retry, time.Second) }
