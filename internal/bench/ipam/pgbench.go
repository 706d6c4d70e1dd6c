package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// pgbench is Postgres's own program, which inserts one row with a unique index
// in each transaction: what the database can do at most, one by one.
type pgbench struct {
	program string
	script  string
	env     []string
	conn    *pgx.Conn
}

func openPgbench(ctx context.Context, b *bench) (*pgbench, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench") // the pattern is well formed
	if len(found) == 0 {
		return nil, errors.New("find pgbench in /usr/lib/postgresql/NN/bin: make deps installs it, with postgres")
	}
	dsn, err := b.database(ctx, "pgbench")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("read the stack's DSN: it is not a URL")
	}
	password, _ := u.User.Password()
	p := &pgbench{
		program: found[len(found)-1], script: filepath.Join(b.stack.Dir, "insert.sql"),
		env: append(os.Environ(), "PGHOST="+u.Hostname(), "PGPORT="+u.Port(), "PGUSER="+u.User.Username(), "PGPASSWORD="+password, "PGDATABASE=pgbench"),
	}
	if p.conn, err = pgx.Connect(ctx, dsn); err != nil {
		return nil, err
	}
	if _, err := p.conn.Exec(ctx, "create table things (id uuid not null default gen_random_uuid() unique, held_by text not null)"); err != nil {
		return nil, err
	}
	return p, os.WriteFile(p.script, []byte("insert into things (held_by) values ('project/acme');\n"), 0o600)
}

func (p *pgbench) close() { _ = p.conn.Close(context.Background()) }

var tps = regexp.MustCompile(`tps = ([0-9.]+)`)

// inserts are half a second's on a quiet machine. They are counted, not timed:
// pgbench's -T runs while its clients log in, which may take all of it.
const inserts = 6000

// measure has as many threads as there are cores where the others run, too.
func (p *pgbench) measure(ctx context.Context, callers int) (sample, error) {
	clients := min(callers, conns)
	if _, err := p.conn.Exec(ctx, "truncate things"); err != nil {
		return sample{}, err
	}
	cmd := exec.CommandContext(ctx, p.program, "-n", "-M", "prepared", "-f", p.script, "-t", strconv.Itoa(inserts/clients),
		"-c", strconv.Itoa(clients), "-j", strconv.Itoa(min(clients, runtime.NumCPU())))
	cmd.Env = p.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("pgbench with %d clients: %w\n%s", clients, err, out)
	}
	rate := tps.FindSubmatch(out) // without the time of logging in
	if rate == nil {
		return sample{}, fmt.Errorf("pgbench with %d clients says no rate:\n%s", clients, out)
	}
	perS, err := strconv.ParseFloat(string(rate[1]), 64)
	return sample{perS: perS}, err
}
