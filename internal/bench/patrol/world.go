package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/sitefile"
	"millwright/internal/stack"
	"millwright/internal/temporal"
)

const site metal.SiteID = "bench"

const (
	labPort    = 8099
	workerPort = 9470

	// One command each 600 ms is the slowest pace that is ever learnt.
	slowGap   = 600 * time.Millisecond
	slowShare = 10 // one BMC of so many has it as learnt, and one as declared
)

// world is everything that runs during a round.
type world struct {
	stack  *stack.Stack
	lab    *stack.Part
	worker *stack.Part
	sql    *pgxpool.Pool
	client client.Client
	net    int // all listens in 127.<net>.0.0/16
	dir    string
}

func (b *bench) begin(ctx context.Context) (w *world, err error) {
	w = &world{}
	if w.stack, err = stack.Start(ctx, stack.Config{Bin: b.bin, NoFsync: b.noFsync}); err != nil {
		return nil, err
	}
	w.dir = filepath.Join(w.stack.Dir, "bench")
	for _, step := range []func(context.Context, *world) error{b.describe, b.startLab, b.fill, b.startWorker} {
		if err := step(ctx, w); err != nil {
			return nil, errors.Join(err, w.end())
		}
	}
	return w, nil
}

func (w *world) end() error {
	if w.client != nil {
		w.client.Close()
	}
	if w.sql != nil {
		w.sql.Close()
	}
	return w.stack.Stop(context.Background())
}

// describe writes the site file and the credentials.
func (b *bench) describe(_ context.Context, w *world) (err error) {
	if w.net, err = freeNet(); err != nil {
		return err
	}
	described, err := lab.Generate(lab.Size{Name: string(site), Machines: b.bmcs, Net: w.net})
	if err != nil {
		return err
	}
	for i := range described.Machines {
		if i%slowShare == 1 {
			described.Machines[i].BMC.Gap = slowGap
		}
	}
	folder := w.credentials()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for name, text := range map[string]string{"switch": "millwright\nbench-switch-password\n", "bmc": "admin\nbench-bmc-password\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	f, err := os.Create(w.siteFile())
	if err != nil {
		return err
	}
	return errors.Join(sitefile.Write(f, described), f.Close())
}

func (w *world) credentials() string { return filepath.Join(w.dir, "credentials") }
func (w *world) siteFile() string    { return filepath.Join(w.dir, "site.yaml") }

// at is 127.<net>.0.1:<port>.
func (w *world) at(port int) string { return fmt.Sprintf("127.%d.0.1:%d", w.net, port) }

// freeNet finds a network of 127/8 in which nobody else's lab lives.
func freeNet() (int, error) {
	const first, many = 130, 60
	for i := range many {
		n := first + (os.Getpid()+i)%many
		listener, err := net.Listen("tcp", fmt.Sprintf("127.%d.0.1:%d", n, labPort))
		if err == nil {
			return n, listener.Close()
		}
	}
	return 0, fmt.Errorf("find a network for the lab: 127.%d to 127.%d are all taken; end other labs", first, first+many-1)
}

func (b *bench) startLab(ctx context.Context, w *world) (err error) {
	fmt.Fprintf(b.out, "%d BMCs in 127.%d.0.0/16\n", b.bmcs, w.net)
	w.lab, err = w.serve(ctx, "lab", "http://"+w.at(labPort)+"/faults", "run",
		"--site", w.siteFile(), "--credentials", w.credentials(), "--api", w.at(labPort), "--log-level", "warn")
	return err
}

// fill brings the site into the database. No schedule comes into the round.
func (b *bench) fill(ctx context.Context, w *world) (err error) {
	for _, args := range [][]string{
		{"secrets", "init"},
		{"migrate", "--reconcile-every", "8760h", "--switches-every", "8760h", "--patrol-every", "8760h"},
		{"import", w.siteFile()},
	} {
		if out, err := w.program(ctx, "starter", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("starter %s: %w\n%s", args[0], err, out)
		}
	}
	if w.sql, err = pgxpool.New(ctx, w.stack.DSN); err != nil {
		return err
	}
	if _, err := w.sql.Exec(ctx, `insert into bmc_records (machine, gap)
		select id, $1 from (select id, row_number() over (order by id) as n from machines) m where n % $2 = 0`, slowGap, slowShare); err != nil {
		return fmt.Errorf("make BMCs slow: %w", err)
	}
	w.client, err = temporal.Dial(ctx, temporal.Config{Address: w.stack.Frontend, Namespace: "default", Name: "bench", Log: slog.New(slog.DiscardHandler)})
	return err
}

func (b *bench) startWorker(ctx context.Context, w *world) (err error) {
	w.worker, err = w.serve(ctx, "worker", "http://"+w.at(workerPort)+"/healthz",
		"--control", "--site", string(site), "--admin-listen", w.at(workerPort))
	return err
}

// serve starts one of our programs, which is ready once it answers.
func (w *world) serve(ctx context.Context, name, ready string, args ...string) (*stack.Part, error) {
	command := func() *exec.Cmd { return w.program(context.WithoutCancel(ctx), name, args...) }
	return w.stack.Add(ctx, name, command, func(ctx context.Context) error {
		answer, err := get(ctx, ready)
		if err == nil {
			err = answer.Body.Close()
		}
		return err
	})
}

func (w *world) program(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(w.stack.Bin(), name), args...)
	cmd.Env = append(os.Environ(), "MILLWRIGHT_POSTGRES="+w.stack.DSN, "MILLWRIGHT_TEMPORAL_ADDRESS="+w.stack.Frontend)
	if name != "lab" {
		cmd.Env = append(cmd.Env, "MILLWRIGHT_CREDENTIALS="+w.credentials())
	}
	return cmd
}

func get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.Join(fmt.Errorf("GET %s: %s", url, answer.Status), answer.Body.Close())
	}
	return answer, err
}
