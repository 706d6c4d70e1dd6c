package rig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/secrets"
	"millwright/internal/sitefile"
	"millwright/internal/stack"
)

// Site is the name of the one site of a rig.
const Site metal.SiteID = "lab1"

// silent is the log of what nobody reads.
var silent = slog.New(slog.DiscardHandler)

// Config says what to run. The zero value is eight machines that boot at once.
type Config struct {
	Bin      string        // folder of all programs; empty finds the module's bin/
	Programs string        // folder of ours, of another release; empty is Bin
	Machines int           // 8 if zero
	Racks    int           // 2 if zero; more where the machines need them
	Post     lab.Span      // time a machine takes before its first packet
	Limits   metal.Limits  // of the plan; the lab's own where zero
	Faults   []lab.Fault   // from the start
	UI       bool          // Temporal's web UI, too
	NoFsync  bool          // a power cut may lose everything: for tests
	Workers  int           // 1 if zero
	Warm     int           // idle machines that wait in the agent
	Unproven bool          // machines come in to be commissioned; else idle
	Build    string        // build ID of the workers; empty is unversioned
	Every    time.Duration // between two reconciles; 5 s if zero
	Log      *slog.Logger  // says what is started; nil says nothing

	Disk int64 // bytes of Postgres' own disk; zero has none
	// Via says under which address a part reaches "postgres" or "temporal", so
	// that something can stand between them; nil is straight.
	Via func(from, to, address string) (string, error)
}

// Rig is a running Millwright.
type Rig struct {
	Stack   *stack.Stack
	Lab     *lab.Lab
	Workers []*stack.Part
	Boot    *stack.Part
	Starter *stack.Part // starter serve

	Store  *postgres.Store // what tests and benchmarks look through
	Client client.Client

	Dir   string // folder of site file, credentials, images, logs
	Token string // bearer token of starter's API
	Net   int    // the lab's network is 127.<Net>.0.0/16

	cfg     Config
	bin     string            // folder of our programs
	bins    map[string]string // of parts that have another one, by part
	stopLab context.CancelFunc
}

// Start runs everything, and returns when all of it answers and the site is
// imported.
func Start(ctx context.Context, cfg Config) (*Rig, error) {
	r := &Rig{cfg: cfg.withDefaults(), stopLab: func() {}}
	var err error
	if r.Stack, err = stack.Start(ctx, stack.Config{
		Bin: cfg.Bin, UI: cfg.UI, NoFsync: cfg.NoFsync, Disk: cfg.Disk, Via: cfg.Via, Log: r.cfg.Log}); err != nil {
		return nil, err
	}
	if err = r.assemble(ctx); err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	return r, nil
}

func (c Config) withDefaults() Config {
	c.Machines = max(c.Machines, 1)
	if c.Machines == 1 {
		c.Machines = 8
	}
	c.Racks, c.Workers = max(c.Racks, 2), max(c.Workers, 1)
	if c.Every == 0 {
		c.Every = 5 * time.Second
	}
	if c.Log == nil {
		c.Log = silent
	}
	return c
}

// assemble starts what stands on the stack, in the order in which an operator
// would: keys, schema, site, then the programs.
func (r *Rig) assemble(ctx context.Context) error {
	if err := r.files(); err != nil {
		return err
	}
	if err := r.startLab(ctx); err != nil {
		return err
	}
	if out, err := r.Run(ctx, "starter", "secrets", "init"); err != nil {
		return fmt.Errorf("make the keyset: %w\n%s", err, out)
	}
	// Switches are compared when a test says so, and not on the quarter of an
	// hour that it happens to run at.
	if out, err := r.Run(ctx, "starter", "migrate", "--reconcile-every", r.cfg.Every.String(), "--switches-every", "8760h", "--patrol-every", "8760h"); err != nil {
		return fmt.Errorf("migrate: %w\n%s", err, out)
	}
	if err := r.Stack.Settle(); err != nil {
		return err
	}
	if out, err := r.Run(ctx, "starter", "import", r.siteFile()); err != nil {
		return fmt.Errorf("import the site: %w\n%s", err, out)
	}
	if err := r.startPrograms(ctx); err != nil {
		return err
	}
	return r.connect(ctx)
}

// files writes what the programs read: credentials, images, the API's token.
func (r *Rig) files() error {
	r.Dir, r.Token = filepath.Join(r.Stack.Dir, "rig"), "rig-"+filepath.Base(r.Stack.Dir)
	r.bin, r.bins = cmp.Or(r.cfg.Programs, r.Stack.Bin()), map[string]string{}
	credentials := filepath.Join(r.Dir, "credentials")
	if err := os.MkdirAll(credentials, 0o700); err != nil {
		return err
	}
	for name, text := range map[string]string{"switch": "millwright\nlab-switch-password\n", "bmc": "admin\nlab-bmc-password\n"} {
		if err := os.WriteFile(filepath.Join(credentials, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(r.Dir, "token"), []byte(r.Token+"\n"), 0o600); err != nil {
		return err
	}
	return errors.Join(lab.WriteImages(filepath.Join(r.Dir, "images")), lab.WriteAgentFiles(filepath.Join(r.Dir, "agent")))
}

func (r *Rig) siteFile() string { return filepath.Join(r.Dir, "site.yaml") }

// nets are tried in turn: another rig on this machine may have one.
const (
	firstNet = 64
	lastNet  = 90
)

// startLab starts the data centre in a network of its own, and writes the site
// file that describes it.
func (r *Rig) startLab(ctx context.Context) error {
	for r.Net = firstNet + os.Getpid()%(lastNet-firstNet); ; r.Net++ {
		site, err := lab.Generate(lab.Size{Name: string(Site), Machines: r.cfg.Machines, Racks: r.cfg.Racks, Net: r.Net, Unproven: r.cfg.Unproven})
		if err != nil {
			return err
		}
		site.Plans[0].Warm = r.cfg.Warm
		if r.cfg.Limits != (metal.Limits{}) {
			site.Plans[0].Limits = r.cfg.Limits
		}
		if err := r.tryLab(ctx, site); err == nil {
			return r.write(site)
		} else if !errors.Is(err, syscall.EADDRINUSE) || r.Net > lastNet+10 {
			return err
		}
	}
}

func (r *Rig) tryLab(ctx context.Context, site *sitefile.Site) error {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	l, err := lab.Start(ctx, lab.Config{
		Site: site, Credentials: secrets.Folder(filepath.Join(r.Dir, "credentials")).Get,
		DHCPPort: dhcpPort, Post: r.cfg.Post, Seed: 1, Faults: r.cfg.Faults, API: r.at(1, labAPIPort), Log: silent,
	})
	if err != nil {
		stop()
		return err
	}
	r.Lab, r.stopLab = l, func() { stop(); _ = l.Wait() } // it was told to stop
	return nil
}

func (r *Rig) write(site *sitefile.Site) error {
	f, err := os.Create(r.siteFile())
	if err != nil {
		return err
	}
	return errors.Join(sitefile.Write(f, site), f.Close())
}

// Stop ends everything and removes what it wrote.
func (r *Rig) Stop() error {
	if r.Client != nil {
		r.Client.Close()
	}
	if r.Store != nil {
		r.Store.Close()
	}
	r.stopLab()
	return r.Stack.Stop(context.Background())
}

// Run runs one of our programs to its end and returns what it printed.
func (r *Rig) Run(ctx context.Context, program string, args ...string) (string, error) {
	out, err := r.Command(ctx, program, args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %v: %w", program, args, err)
	}
	return string(out), err
}

// Command is one of our programs, ready to run against this rig.
func (r *Rig) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	return r.CommandOf(ctx, r.bin, program, args...)
}

// CommandOf is Command, of another folder than the rig's.
func (r *Rig) CommandOf(ctx context.Context, bin, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(bin, program), args...)
	cmd.Env = append(os.Environ(), r.Environment()...)
	return cmd
}
