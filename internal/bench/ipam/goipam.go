package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// goipam is metal-stack/go-ipam, in a program of its own that we build: its
// modules are not ours.
type goipam struct {
	bench   *bench
	program string
	dsn     string
	conn    *pgx.Conn
}

func openGoipam(ctx context.Context, b *bench) (*goipam, error) {
	dsn, err := b.database(ctx, "goipam")
	if err != nil {
		return nil, err
	}
	g := &goipam{bench: b, dsn: dsn, program: filepath.Join(b.stack.Bin(), "goipam")}
	module := filepath.Join(b.stack.Bin(), "..", "tools", "goipam")
	build := exec.CommandContext(ctx, "go", "build", "-C", module, "-o", g.program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w\n%s", module, err, out)
	}
	if g.conn, err = pgx.Connect(ctx, dsn); err != nil {
		return nil, err
	}
	_, err = g.run(ctx, "-for", "0s") // makes its tables
	return g, err
}

func (g *goipam) close(ctx context.Context) { _ = g.conn.Close(ctx) } // the database is thrown away

func (g *goipam) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, g.program, args...)
	cmd.Env = append(os.Environ(), "GOIPAM_DSN="+g.dsn)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return out, err
}

func (g *goipam) measure(ctx context.Context, l load, callers int) (sample, error) {
	if err := g.fill(ctx, l); err != nil {
		return sample{}, err
	}
	window := g.bench.window
	if callers == 1 && l.held > 0 {
		window *= 3 // it does a few a second then
	}
	out, err := g.run(ctx, "-callers", strconv.Itoa(callers), "-conns", strconv.Itoa(conns), "-for", window.String(),
		"-from", l.block.String(), "-bits", strconv.Itoa(l.bits))
	if err != nil {
		return sample{}, err
	}
	var said struct {
		PerS float64 `json:"per_s"`
		P99  float64 `json:"p99_ms"`
	}
	err = json.Unmarshal(out, &said)
	return sample{said.PerS, said.P99}, err
}

// fill writes what is held as go-ipam keeps it, one JSON document for a prefix
// (json.go of v1.15.2): 50,000 calls would take hours.
func (g *goipam) fill(ctx context.Context, l load) error {
	first, addresses := l.block.Addr(), map[string]bool{}
	children := map[string]bool{}
	addresses[first.String()] = true
	for p, n := netip.PrefixFrom(first, l.bits), 0; n < l.held; n++ {
		if l.bits == 32 {
			p = netip.PrefixFrom(p.Addr().Next(), 32) // the first is the network's own
			addresses[p.Addr().String()] = true
			continue
		}
		children[p.String()] = false // false: not available
		p = netip.PrefixFrom(p.Addr().Next().Next(), 31)
	}
	row, err := json.Marshal(map[string]any{
		"Cidr": l.block.String(), "ParentCidr": "", "Namespace": "", "AvailableChildPrefixes": children,
		"ChildPrefixLength": 0, "IsParent": len(children) > 0, "IPs": addresses, "Version": 0,
	})
	if err != nil {
		return err
	}
	if _, err := g.conn.Exec(ctx, "truncate prefixes"); err != nil {
		return fmt.Errorf("empty go-ipam's table: %w", err)
	}
	if _, err := g.conn.Exec(ctx, "insert into prefixes (cidr, prefix) values ($1, $2)", l.block.String(), row); err != nil {
		return fmt.Errorf("write go-ipam's row: %w", err)
	}
	_, err = g.conn.Exec(ctx, "vacuum analyze prefixes")
	return err
}
