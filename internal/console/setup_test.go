package console_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/bmc/ipmitest"
	"millwright/internal/console"
	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
	"millwright/internal/sitefile"
	"millwright/internal/stack/pgtest"
)

const patience = 30 * time.Second

const site = `
site: lab1
metro: lab
vouched: true
boot: {addresses: [127.64.0.67]}
blocks:
  - {prefix: 127.64.128.0/17, role: install}
  - {prefix: 198.18.64.0/24, role: public}
  - {prefix: 10.64.0.0/16, role: private}
  - {prefix: "2001:db8:64::/48", role: public}
plans:
  plain: {description: "One port", cores: 8, memory_gib: 32, disks_gb: [480]}
operating_systems:
  debian_12: {name: Debian, distro: debian, version: 12, plans: [plain]}
racks: [r1]
switches:
  tor: {rack: r1, address: "127.64.1.1:8300", host_key: "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", credential: switch}
machines:
  m1: {rack: r1, unit: 1, plan: plain, firmware: bios, bmc: {address: "127.0.0.1:%d", protocol: ipmi, credential: bmc, cipher_suite: "3"%s}, disks: [{serial: S1, size_gb: 480}],
       nics: [{mac: "02:64:00:00:01:01", switch: tor, port: xe-0/0/1}]}
`

// rig is a database with one machine, whose BMC is real enough to have a
// serial console.
type rig struct {
	t     *testing.T
	dsn   string
	store *postgres.Store
	bmc   *ipmitest.BMC
	log   *journal
}

func setup(t *testing.T) *rig { return setupWith(t, "") }

func setupWith(t *testing.T, more string) *rig {
	t.Helper()
	r := &rig{t: t, dsn: pgtest.Database(t, postgres.Migrate), bmc: ipmitest.Start(t), log: &journal{}}
	var err error
	r.store, err = postgres.Open(t.Context(), r.dsn)
	require.NoError(t, err)
	t.Cleanup(r.store.Close)
	parsed, err := sitefile.Parse(fmt.Appendf(nil, site, r.bmc.Port, more), "site.yaml", nil)
	require.NoError(t, err)
	_, err = r.store.ImportSite(t.Context(), parsed)
	require.NoError(t, err)
	return r
}

// claim begins a run on the machine.
func (r *rig) claim() metal.Claim {
	r.t.Helper()
	order, err := metal.ParseOrder("o1", []byte(`{"action":"provision","project":"acme","site":"lab1","plan":"plain","operating_system":"debian_12"}`))
	require.NoError(r.t, err)
	_, err = r.store.RecordOrder(r.t.Context(), order)
	require.NoError(r.t, err)
	held, err := r.store.ClaimMachine(r.t.Context(), order.Device, order.ID)
	require.NoError(r.t, err)
	return held.Claim
}

func (r *rig) exec(sql string) {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	require.NoError(r.t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(r.t.Context(), sql)
	require.NoError(r.t, err)
}

// keeper starts one; stop ends it as a signal would.
func (r *rig) keeper(name string, change ...func(*console.Keeper)) (k *console.Keeper, stop func()) {
	r.t.Helper()
	driver := &bmc.Driver{
		Credentials: func(context.Context, string) (metal.Credential, error) {
			return metal.Credential{User: "admin", Password: ipmitest.Password}, nil
		},
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	k = &console.Keeper{
		Site: "lab1", Name: name, Leases: r.store, Records: r.store,
		Open: func(ctx context.Context, b metal.BMC) (io.ReadWriteCloser, error) { return driver.Console(ctx, b) },
		Log:  driver.Log, Lease: 3 * time.Second, Retry: 50 * time.Millisecond,
	}
	for _, c := range change {
		c(k)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { k.Run(ctx); close(ended) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	r.t.Cleanup(stop)
	return k, stop
}

// recorded is all that is kept of the machine, oldest first.
func (r *rig) recorded() string {
	r.t.Helper()
	q := r.store.Queries()
	all, err := q.ListConsoles(r.t.Context(), query.ListConsolesParams{Machine: "m1", Most: 100})
	require.NoError(r.t, err)
	var text []byte
	for i := len(all) - 1; i >= 0; i-- {
		chunks, err := q.ConsoleChunks(r.t.Context(), query.ConsoleChunksParams{Console: all[i].ID, Most: 10000})
		require.NoError(r.t, err)
		for _, c := range chunks {
			text = append(text, c.Body...)
		}
	}
	return string(text)
}

func (r *rig) requireRecorded(want string) {
	r.t.Helper()
	r.eventually(func() bool { return bytes.Contains([]byte(r.recorded()), []byte(want)) }, "%q is recorded", want)
}

// prints has the machine print a line again and again until it is recorded: what
// it prints while nobody has its console is lost, as on a real one.
func (r *rig) prints(machine net.Conn, line string) {
	r.t.Helper()
	r.eventually(func() bool {
		_, err := machine.Write([]byte(line + "\r\n"))
		require.NoError(r.t, err)
		return bytes.Contains([]byte(r.recorded()), []byte(line))
	}, "%q is recorded", line)
}

func (r *rig) eventually(ok func() bool, why string, args ...any) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			r.t.Fatalf("not so after %s: "+why+"\nlog:\n%s", append(append([]any{patience}, args...), r.log)...)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// journal is a log that is read while it is written.
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
