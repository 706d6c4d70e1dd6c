package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"millwright/internal/line"
	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/internal/stack"
)

// world is one rig under one seed, with all that stands around it.
type world struct {
	*rig.Rig
	log   *slog.Logger
	parts map[string]*part
	lines map[string]*line.Line

	data     *pgxpool.Pool // Millwright's own tables, read with queries of ours
	progress *pgxpool.Pool // Temporal's
}

// diskSize is plenty: what a storm writes is some hundred megabytes, and memory
// is taken for what is written alone.
const diskSize = 4 << 30

// patience of the plan: machines boot at once here, and are late only because
// of what was done to their site.
const patience = time.Minute

// begin starts a rig with a line in each connection, and a supervisor for each
// program.
func begin(ctx context.Context, machines int, disk bool, log *slog.Logger) (*world, error) {
	w := &world{log: log, parts: map[string]*part{}, lines: map[string]*line.Line{}}
	cfg := rig.Config{
		Machines: machines, Racks: racks(machines), Workers: workers, NoFsync: true, Every: 5 * time.Second,
		Limits: metal.Limits{Boot: patience, Install: patience, PhoneHome: patience}, Via: w.via,
	}
	if disk {
		cfg.Disk = diskSize
	}
	var err error
	if w.Rig, err = rig.Start(ctx, cfg); err != nil {
		return nil, errors.Join(err, w.end())
	}
	if err := w.look(ctx); err != nil {
		return nil, errors.Join(err, w.end())
	}
	w.supervise(ctx)
	return w, nil
}

// via puts a line into a connection, the first time that it is asked for.
func (w *world) via(from, to, address string) (string, error) {
	name := lineName(from, to)
	if w.lines[name] == nil {
		// 127.0.0.9, because nobody's outgoing connection has an address there:
		// a line that was refused wants its port again.
		opened, err := line.Lead("127.0.0.9:0", address)
		if err != nil {
			return "", fmt.Errorf("put a line between %s and %s: %w", from, to, err)
		}
		w.lines[name] = opened
	}
	return w.lines[name].Addr().String(), nil
}

// look opens what is read from outside, past all lines.
func (w *world) look(ctx context.Context) (err error) {
	if w.data, err = pgxpool.New(ctx, w.Stack.DSN); err != nil {
		return err
	}
	dsn, err := url.Parse(w.Stack.DSN)
	if err != nil {
		return err
	}
	dsn.Path = "/temporal"
	w.progress, err = pgxpool.New(ctx, dsn.String())
	return err
}

func (w *world) supervise(ctx context.Context) {
	w.parts["postgres"], w.parts["temporal"] = &part{Part: w.Stack.Postgres}, &part{Part: w.Stack.Temporal}
	w.parts["boot"], w.parts["starter"] = &part{Part: w.Boot}, &part{Part: w.Starter}
	for i, p := range w.Workers {
		w.parts[fmt.Sprintf("worker-%d", i+1)] = &part{Part: p}
	}
	for name, p := range w.parts {
		go p.keep(ctx, w.log.With("part", name))
	}
}

// end stops everything; a world that never began whole, too.
func (w *world) end() error {
	for _, pool := range []*pgxpool.Pool{w.data, w.progress} {
		if pool != nil {
			pool.Close()
		}
	}
	var err error
	if w.Rig != nil {
		err = w.Stop()
	}
	for _, l := range w.lines {
		l.End()
	}
	return err
}

// part is a program that is kept running, unless it is to be down.
type part struct {
	*stack.Part
	mu   sync.Mutex
	down bool
}

// keep starts the part whenever it has ended, as systemd would.
func (p *part) keep(ctx context.Context, log *slog.Logger) {
	const pause = 100 * time.Millisecond
	for ctx.Err() == nil {
		p.mu.Lock()
		wanted := !p.down
		p.mu.Unlock()
		if wanted && p.PID() == 0 {
			if err := p.Start(ctx); err != nil && ctx.Err() == nil {
				first, _, _ := strings.Cut(err.Error(), "\n")
				log.Debug("start again", "error", first)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// take kills the part, and keeps it down until give.
func (p *part) take() {
	p.mu.Lock()
	p.down = true
	p.mu.Unlock()
	p.Kill()
}

func (p *part) give() {
	p.mu.Lock()
	p.down = false
	p.mu.Unlock()
}
