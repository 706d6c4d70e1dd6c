package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Config says what to start. Its zero value is good for tests that find the
// programs in the module's bin/.
type Config struct {
	Bin          string       // folder of temporal-server, temporal-sql-tool, temporal-ui; empty: see findBin
	Dir          string       // data and logs; empty makes a temporary folder that goes away with the stack
	UI           bool         // start the web UI, too
	NoFsync      bool         // faster, and a power cut loses everything: for tests
	PostgresPort int          // zero takes a free one, here and below
	FrontendPort int          // Temporal's own default is 7233
	UIPort       int          // Temporal's own default is 8233
	Log          *slog.Logger // says what is started; nil says nothing

	Disk int64 // bytes of a disk of its own for Postgres' data; zero has none. Wants root on Linux
	// Via says under which address a part reaches another one, so that something
	// can stand between them; nil is straight.
	Via func(from, to, address string) (string, error)
}

// Stack is a running Postgres and, if started by Start, a Temporal on it.
type Stack struct {
	Postgres *Part
	Temporal *Part // nil without Temporal
	UI       *Part // nil without UI

	DSN      string // the empty database "millwright", as a superuser
	Frontend string // Temporal's gRPC endpoint, host:port
	UIURL    string
	Dir      string // data and logs

	cfg     Config
	cluster *cluster
	server  *server
	disk    *Disk    // nil where Postgres has none of its own
	janitor *janitor // nil if the folder is to stay
	lost    chan error

	mu    sync.Mutex
	added []*Part // programs of ours, in the order of their start
}

// StartPostgres starts Postgres alone, for what needs only a database.
func StartPostgres(ctx context.Context, cfg Config) (*Stack, error) {
	return start(ctx, cfg, (*Stack).startPostgresAlone)
}

// Start starts Postgres, Temporal, and the web UI if it is asked for, and
// returns when all of them answer.
func Start(ctx context.Context, cfg Config) (*Stack, error) {
	return start(ctx, cfg, (*Stack).startAll)
}

func start(ctx context.Context, cfg Config, parts func(*Stack, context.Context) error) (*Stack, error) {
	s := &Stack{cfg: cfg, Dir: cfg.Dir, lost: make(chan error, 1)}
	if s.cfg.Log == nil {
		s.cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	err := s.prepare()
	if err == nil {
		err = parts(s, ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// prepare finds the programs and makes the folder.
func (s *Stack) prepare() error {
	if s.cfg.Bin == "" {
		bin, err := findBin()
		if err != nil {
			return err
		}
		s.cfg.Bin = bin
	}
	if err := s.makeDir(); err != nil {
		return err
	}
	c, err := newCluster(filepath.Join(s.Dir, "postgres"), !s.cfg.NoFsync)
	if err != nil {
		return err
	}
	s.cluster = c
	if s.cfg.Disk > 0 {
		if s.disk, err = mount(c.home, s.cfg.Disk); err != nil {
			return err
		}
	}
	return c.makeHome()
}

// makeDir makes the stack's folder, and sets a janitor over a temporary one.
// Postgres' own user must be able to pass through it to the data.
func (s *Stack) makeDir() (err error) {
	if s.Dir != "" {
		if s.Dir, err = filepath.Abs(s.Dir); err == nil {
			err = os.MkdirAll(s.Dir, 0o711)
		}
	} else if s.Dir, err = os.MkdirTemp("", "millwright-"); err == nil {
		err = os.Chmod(s.Dir, 0o711)
	}
	if err == nil && s.cfg.Dir == "" {
		s.janitor, err = watch(s.Dir)
	}
	if err != nil {
		return fmt.Errorf("make the stack's folder: %w", err)
	}
	return nil
}

// Wait returns when a part ends that nobody asked to, saying which and what it
// printed last, or when the context ends.
func (s *Stack) Wait(ctx context.Context) error {
	select {
	case err := <-s.lost:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stopLimit is Postgres' time for its last checkpoint.
const stopLimit = 30 * time.Second

// Stop ends every process, frozen ones too, and removes a temporary folder.
// Temporal is killed: all its state is in Postgres, and whatever a kill could
// break must never break.
func (s *Stack) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	impolite := s.stopAdded(ctx)
	s.UI.Kill()
	s.Temporal.Kill()
	fast := syscall.SIGINT // Postgres' clean way: a checkpoint, then the end
	if s.janitor != nil {
		fast = syscall.SIGQUIT // no checkpoint: the data is thrown away
	}
	err := errors.Join(impolite, s.Postgres.end(ctx, fast))
	if s.cluster != nil {
		s.cluster.releaseMemory()
	}
	err = errors.Join(err, s.disk.unmount())
	if s.janitor != nil {
		err = errors.Join(err, s.janitor.dismiss(s.Dir))
	}
	return err
}

// Disk is what Postgres' data lies on; nil where it has none of its own.
func (s *Stack) Disk() *Disk { return s.disk }

// Bin is the folder in which the programs were found.
func (s *Stack) Bin() string { return s.cfg.Bin }
