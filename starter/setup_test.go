package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/sitefile"
	"millwright/internal/stack/pgtest"
)

// patience is how long a test waits for what should come at once.
const patience = 20 * time.Second

// rig is a database with one site of two machines.
type rig struct {
	t     *testing.T
	dsn   string
	store *postgres.Store
	log   *journal
}

func setup(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dsn: pgtest.Database(t, postgres.Migrate), log: &journal{}}
	var err error
	r.store, err = postgres.Open(t.Context(), r.dsn)
	require.NoError(t, err)
	t.Cleanup(r.store.Close)
	text, err := os.ReadFile("../internal/sitefile/testdata/good.yaml")
	require.NoError(t, err)
	site, err := sitefile.Parse(text, "good.yaml", nil)
	require.NoError(t, err)
	_, err = r.store.ImportSite(t.Context(), site)
	require.NoError(t, err)
	return r
}

func (r *rig) exec(sql string) {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	require.NoError(r.t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(r.t.Context(), sql)
	require.NoError(r.t, err)
}

// installed ends a provision well, as its run would.
func (r *rig) installed(order metal.OrderID, device metal.DeviceID) {
	r.t.Helper()
	held, err := r.store.ClaimMachine(r.t.Context(), device, order)
	require.NoError(r.t, err)
	_, err = r.store.SetPorts(r.t.Context(), held.Claim, metal.Tenant)
	require.NoError(r.t, err)
	require.NoError(r.t, r.store.ActivateDevice(r.t.Context(), held.Claim, metal.Ending{Order: order, State: metal.Active}))
}

// cli runs one command against the rig, with a Temporal that is away.
func (r *rig) cli(args ...string) (code int, out, errs string) {
	r.t.Helper()
	var o, e journal
	code = execute(r.t.Context(), append(args, "--postgres", r.dsn, "--temporal-address", nowhere(r.t)), &o, &e)
	return code, o.String(), e.String()
}

// nowhere is an address on which nobody listens.
func nowhere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// fakeTemporal starts runs as it is told: at once, never, or too late.
type fakeTemporal struct {
	mu      sync.Mutex
	started map[metal.OrderID]int
	away    bool
	slow    bool // answers only when nobody waits any more
}

func (f *fakeTemporal) StartOrder(ctx context.Context, order metal.OrderID, _ []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.away:
		return errors.New("connection refused")
	case f.slow:
		<-ctx.Done()
		return ctx.Err()
	}
	if f.started == nil {
		f.started = map[metal.OrderID]int{}
	}
	f.started[order]++
	return nil
}

func (f *fakeTemporal) StartFleet(ctx context.Context, fleet metal.FleetID, input []byte) error {
	return f.StartOrder(ctx, metal.OrderID("fleet/"+fleet), input)
}

// journal is a buffer that is read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }
