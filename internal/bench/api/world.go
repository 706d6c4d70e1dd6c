package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"

	"millwright/internal/postgres"
	"millwright/internal/stack"
)

// world is what the API stands on.
type world struct {
	stack *stack.Stack
	store *postgres.Store
	sql   *pgxpool.Pool
}

// begin starts Postgres, with its default durability, and Temporal.
func (b *bench) begin(ctx context.Context) (w *world, err error) {
	w = &world{}
	if w.stack, err = stack.Start(ctx, stack.Config{}); err != nil {
		return nil, err
	}
	if err = w.open(ctx); err != nil {
		return nil, errors.Join(err, w.end())
	}
	return w, nil
}

func (w *world) open(ctx context.Context) (err error) {
	// Schedules come too seldom to meet the load: nobody works for them here.
	if out, err := w.starter(ctx, "migrate", "--reconcile-every", "24h", "--switches-every", "8760h").CombinedOutput(); err != nil {
		return fmt.Errorf("migrate: %w\n%s", err, out)
	}
	dsn, err := url.Parse(w.stack.DSN)
	if err != nil {
		return fmt.Errorf("read the stack's DSN: it is not a URL")
	}
	q := dsn.Query() // what fills the database need not wait for its disk; what is measured does
	q.Set("synchronous_commit", "off")
	dsn.RawQuery = q.Encode()
	if w.store, err = postgres.Open(ctx, dsn.String()); err != nil {
		return err
	}
	w.sql, err = pgxpool.New(ctx, w.stack.DSN)
	return err
}

func (w *world) end() error {
	if w.sql != nil {
		w.sql.Close()
	}
	if w.store != nil {
		w.store.Close()
	}
	return w.stack.Stop(context.Background())
}

func (w *world) starter(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(w.stack.Bin(), "starter"), args...)
	cmd.Env = append(os.Environ(), "MILLWRIGHT_POSTGRES="+w.stack.DSN, "MILLWRIGHT_TEMPORAL_ADDRESS="+w.stack.Frontend)
	return cmd
}

// serve runs starter as a process of its own.
func (b *bench) serve(ctx context.Context, w *world) error {
	public, admin, err := freeAddresses()
	if err != nil {
		return err
	}
	b.api = "http://" + public + "/metal/v1"
	command := func() *exec.Cmd {
		return w.starter(context.WithoutCancel(ctx), "serve", "--insecure-no-auth", "--listen", public, "--admin-listen", admin)
	}
	_, err = w.stack.Add(ctx, "starter", command, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/healthz", http.NoBody)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("starter says %s", answer.Status)
		}
		return nil
	})
	return err
}

func freeAddresses() (one, other string, err error) {
	var listeners [2]net.Listener
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return "", "", err
		}
		defer listeners[i].Close()
	}
	return listeners[0].Addr().String(), listeners[1].Addr().String(), nil
}

// created holds that what was answered stands, and nothing else.
func (w *world) created(ctx context.Context, want int) error {
	var devices, orders int
	err := w.sql.QueryRow(ctx, `select count(distinct d.id), count(o.id) from devices d left join orders o on o.device = d.id
		where d.hostname = 'bench'`).Scan(&devices, &orders)
	if err == nil && (devices != want || orders != want) {
		err = fmt.Errorf("%d creates were answered, and there are %d devices with %d orders", want, devices, orders)
	}
	return err
}
