package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/internal/stack"
)

// world is everything that runs during a month, and who looks at it.
type world struct {
	cfg  Config
	rig  *rig.Rig
	dir  string // of files that the programs are told of
	lost chan error

	sql, persistence, visibility *pgxpool.Pool

	processes []process
	admins    map[string]string // program to host:port
	tables    []string

	api     *tenant
	hook    *hook
	leases  []link
	renewed atomic.Int64

	mu     sync.Mutex
	lives  int
	failed []error
}

// begin starts the site, with times that are pressed as the month is.
func begin(ctx context.Context, cfg Config) (w *world, err error) {
	w = &world{cfg: cfg, lost: make(chan error, 1)}
	if w.dir, err = os.MkdirTemp("", "soak-"); err != nil {
		return nil, err
	}
	if err := w.environment(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(w.dir))
	}
	// Machines share their cores with everything else: none is given up early.
	patient := metal.Limits{Boot: 2 * time.Minute, Install: 2 * time.Minute, PhoneHome: 2 * time.Minute}
	if w.rig, err = rig.Start(ctx, rig.Config{Bin: cfg.Bin, Machines: cfg.Machines, NoFsync: true, Warm: 1, Limits: patient, Every: cfg.Reconcile}); err != nil {
		return nil, errors.Join(err, os.RemoveAll(w.dir))
	}
	go func() {
		if err := w.rig.Stack.Wait(ctx); ctx.Err() == nil {
			w.lost <- err
		}
	}()
	for _, step := range []func(context.Context) error{w.open, w.press, w.admit} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, w.end())
		}
	}
	return w, nil
}

func (w *world) end() error {
	for _, db := range []*pgxpool.Pool{w.sql, w.persistence, w.visibility} {
		if db != nil {
			db.Close()
		}
	}
	if w.hook != nil {
		w.hook.end()
	}
	return errors.Join(w.rig.Stop(), os.RemoveAll(w.dir))
}

// environment is what the rig's programs are told beyond their flags.
func (w *world) environment() error {
	keys := filepath.Join(w.dir, "webhooks.key")
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // it never fails
	if err := os.WriteFile(keys, raw, 0o600); err != nil {
		return err
	}
	keep := pressed(w.cfg)
	for name, value := range map[string]string{
		"AUDIT_KEEP": keep.Audit.String(), "EVENTS_KEEP": keep.Events.String(), "LOGS_KEEP": keep.Logs.String(),
		"WEBHOOK_KEY": keys, "WEBHOOK_ALLOW": "127.0.0.0/8", "WEBHOOK_PLAIN": "true",
	} {
		if err := os.Setenv("MILLWRIGHT_"+name, value); err != nil {
			return err
		}
	}
	return nil
}

// open connects what looks in.
func (w *world) open(ctx context.Context) (err error) {
	for database, db := range map[string]**pgxpool.Pool{"millwright": &w.sql, "temporal": &w.persistence, "temporal_visibility": &w.visibility} {
		dsn, err := url.Parse(w.rig.Stack.DSN)
		if err != nil {
			return fmt.Errorf("read the rig's connection string: %w", err)
		}
		dsn.Path = "/" + database
		query := dsn.Query()
		query.Set("application_name", "soak")
		query.Set("pool_max_conns", "1")
		dsn.RawQuery = query.Encode()
		if *db, err = pgxpool.New(ctx, dsn.String()); err != nil {
			return err
		}
	}
	found, err := w.sql.Query(ctx, "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1")
	if err != nil {
		return err
	}
	if w.tables, err = pgx.CollectRows(found, pgx.RowTo[string]); err != nil {
		return err
	}
	if w.leases, err = w.links(ctx); err != nil {
		return err
	}
	w.admins = map[string]string{"worker": w.rig.WorkerAdmin(0), "boot": w.rig.BootAdmin(), "starter": w.rig.StarterAdmin()}
	for name, part := range map[string]*stack.Part{
		"worker": w.rig.Workers[0], "boot": w.rig.Boot, "starter": w.rig.Starter, "temporal-server": w.rig.Stack.Temporal,
	} {
		log := name
		if name == "worker" {
			log = "worker-1"
		}
		w.processes = append(w.processes, process{name: name, pid: part.PID, log: filepath.Join(w.rig.Stack.Dir, log+".log")})
	}
	return nil
}

// press sets the schedules, and lets Temporal forget runs after a tenth of the
// month, so that their number is level before anything is judged.
func (w *world) press(ctx context.Context) error {
	if out, err := w.rig.Run(ctx, "starter", "migrate", "--reconcile-every", w.cfg.Reconcile.String(),
		"--switches-every", w.cfg.Switches.String(), "--patrol-every", w.cfg.Patrol.String()); err != nil {
		return fmt.Errorf("set the schedules: %w\n%s", err, out)
	}
	// An address rests for minutes after its holder, so that nobody gets another's packets.
	if _, err := w.sql.Exec(ctx, "update space_rules set rest = $1", minutes(w.cfg.Minutes)/60); err != nil {
		return fmt.Errorf("let addresses rest for less: %w", err)
	}
	_, err := w.rig.Client.WorkflowService().UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: "default",
		Config:    &namespace.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(max(10*time.Second, minutes(w.cfg.Minutes)/10))},
	})
	if err != nil {
		return fmt.Errorf("let Temporal forget runs early: %w", err)
	}
	return nil
}
