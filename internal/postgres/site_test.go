package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/sitefile"
	"millwright/internal/stack/pgtest"
)

// rig is a migrated database with the good site file imported.
type rig struct {
	t     *testing.T
	store *postgres.Store
	dsn   string
	text  string // of the site file
}

func imported(t *testing.T) *rig {
	t.Helper()
	text, err := os.ReadFile("../sitefile/testdata/good.yaml")
	require.NoError(t, err)
	r := &rig{t: t, dsn: pgtest.Database(t, postgres.Migrate), text: string(text)}
	r.store, err = postgres.Open(t.Context(), r.dsn)
	require.NoError(t, err)
	t.Cleanup(r.store.Close)
	_, err = r.store.ImportSite(t.Context(), r.site())
	require.NoError(t, err)
	return r
}

// site is the good file with some texts exchanged for others.
func (r *rig) site(exchange ...string) *sitefile.Site {
	text := r.text
	for i := 0; i < len(exchange); i += 2 {
		require.Contains(r.t, text, exchange[i])
		text = strings.ReplaceAll(text, exchange[i], exchange[i+1])
	}
	site, err := sitefile.Parse([]byte(text), "lab1.yaml", nil)
	require.NoError(r.t, err)
	return site
}

func (r *rig) exec(sql string, args ...any) {
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	require.NoError(r.t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(r.t.Context(), sql, args...)
	require.NoError(r.t, err)
}

// dump is every row that an import could touch, with its row version: a row
// that was written as it was shows too.
func (r *rig) dump() string {
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	require.NoError(r.t, err)
	defer conn.Close(context.Background())
	var all strings.Builder
	for _, table := range []string{"sites", "racks", "switches", "plans", "operating_systems", "plan_operating_systems",
		"machines", "ports", "nics", "blocks", "pieces", "boot_intents"} {
		rows, err := conn.Query(r.t.Context(), "select xmin::text || ' ' || t::text from "+table+" t order by t::text")
		require.NoError(r.t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(r.t, err)
		fmt.Fprintln(&all, table, lines)
	}
	return all.String()
}

// provisioned gives machine m1 a device, as a finished provision leaves it.
func (r *rig) provisioned() metal.DeviceID {
	r.t.Helper()
	order, err := metal.ParseOrder("o-1", []byte(`{"action":"provision","project":"acme","site":"lab1","plan":"c1.small","operating_system":"debian_12"}`))
	require.NoError(r.t, err)
	_, err = r.store.RecordOrder(r.t.Context(), order)
	require.NoError(r.t, err)
	held, err := r.store.ClaimMachine(r.t.Context(), order.Device, order.ID)
	require.NoError(r.t, err)
	require.Equal(r.t, metal.MachineID("m1"), held.Claim.Machine)
	_, err = r.store.SetPorts(r.t.Context(), held.Claim, metal.Tenant)
	require.NoError(r.t, err)
	require.NoError(r.t, r.store.ActivateDevice(r.t.Context(), held.Claim, metal.Ending{Order: order.ID, State: metal.Active}))
	return order.Device
}

// said are the changes of one kind of outcome, as "kind name: detail".
func said(changes []postgres.Change, what string) (lines []string) {
	for _, c := range changes {
		if c.What == what {
			lines = append(lines, strings.TrimSuffix(fmt.Sprintf("%s %s: %s", c.Kind, c.Name, c.Detail), ": "))
		}
	}
	return lines
}

func TestASecondImportWritesNothing(t *testing.T) {
	t.Parallel()
	r := imported(t)
	before := r.dump()
	changes, err := r.store.ImportSite(t.Context(), r.site())
	require.NoError(t, err)
	require.Len(t, said(changes, postgres.Unchanged), len(changes))
	require.Equal(t, before, r.dump())
}

func TestAnImportedMachineCanBeClaimedAndBooted(t *testing.T) {
	t.Parallel()
	r := imported(t)
	machines, err := r.store.BootMachines(t.Context(), "lab1")
	require.NoError(t, err)
	require.Len(t, machines, 2)
	require.Equal(t, metal.Port{Switch: "tor-r1", Name: "ae2"}, machines[1].Port)
	require.Equal(t, []string{"02:40:00:00:00:02"}, machines[1].MACs)
	require.Equal(t, "127.64.128.2/31", machines[1].Install.Prefix.String())
	r.provisioned()
	leaks, err := r.store.Leaks(t.Context())
	require.NoError(t, err)
	require.Empty(t, leaks)
}

func TestAnImportSaysWhatChangedAndKeepsInstallLinks(t *testing.T) {
	t.Parallel()
	r := imported(t)
	changes, err := r.store.ImportSite(t.Context(), r.site(
		"disks_gb: [480, 960]", "disks_gb: [480, 960], boot_limit: 35m",
		// The two idle machines exchange their cables and their BMCs.
		"xe-0/0/1", "spare", "ae2", "xe-0/0/1", "spare", "ae2",
		"02:40:00:00:00:01", "spare", "02-40-00-00-00-02", "02:40:00:00:00:01", "spare", "02:40:00:00:00:02",
		"127.64.2.1:8443", "spare", "127.64.2.2", "127.64.2.1:8443", "spare", "127.64.2.2"))
	require.NoError(t, err)
	require.Equal(t, []string{
		"plan c1.small: boot_limit 20m0s → 35m0s",
		"machine m1: BMC address 127.64.2.1:8443 → 127.64.2.2; NICs 02:40:00:00:00:01 at tor-r1:xe-0/0/1 → 02:40:00:00:00:02 at tor-r1:ae2",
		"machine m2: BMC address 127.64.2.2 → 127.64.2.1:8443; NICs 02:40:00:00:00:02 at tor-r1:ae2 → 02:40:00:00:00:01 at tor-r1:xe-0/0/1",
		"port tor-r1:ae2: machine m2 → m1",
		"port tor-r1:xe-0/0/1: machine m1 → m2",
	}, said(changes, postgres.Changed))
	intents, err := r.store.PortIntents(t.Context(), "tor-r1", []string{"ae2"})
	require.NoError(t, err)
	require.Equal(t, metal.MachineID("m1"), intents[0].Machine)
	require.Equal(t, "127.64.128.2/31", intents[0].Install.Prefix.String(), "the link stays with the port")
	require.EqualValues(t, 2, intents[0].Generation)
}

func TestOtherBootServicesAreAnotherIntentOfEveryPort(t *testing.T) {
	t.Parallel()
	r := imported(t)
	_, err := r.store.ImportSite(t.Context(), r.site("[127.64.0.67]", "[127.64.0.67, 127.64.0.68]"))
	require.NoError(t, err)
	intents, err := r.store.PortIntents(t.Context(), "tor-r1", nil)
	require.NoError(t, err)
	for _, intent := range intents {
		require.EqualValues(t, 2, intent.Generation)
		require.Len(t, intent.Boot, 2)
	}
}

// withoutM2 is a file that has lost its last machine.
func (r *rig) withoutM2() *sitefile.Site {
	site := r.site()
	site.Machines = site.Machines[:1]
	return site
}

func TestWhatVanishedFromTheFileIsReportedAndLeftAlone(t *testing.T) {
	t.Parallel()
	r := imported(t)
	before := r.dump()
	site := r.withoutM2()
	site.Racks = site.Racks[:1]
	site.Plans, site.OperatingSystems = site.Plans[:1], nil
	site.Blocks = site.Blocks[:3]
	changes, err := r.store.ImportSite(t.Context(), site)
	require.NoError(t, err)
	require.Equal(t, []string{
		"operating system debian_12: it is left as it is",
		"block 2001:db8:64::/56: it is left as it is",
		"rack r2: it is left as it is",
		"machine m2: it is left as it is",
		"port tor-r1:ae2: it is left as it is",
	}, said(changes, postgres.Vanished))
	require.Equal(t, before, r.dump())
}

func TestAnUnusedBlockMakesWayForALargerOne(t *testing.T) {
	t.Parallel()
	r := imported(t)
	changes, err := r.store.ImportSite(t.Context(), r.site("198.51.100.0/24", "198.51.0.0/16"))
	require.NoError(t, err)
	require.Equal(t, []string{"block 198.51.0.0/16"}, said(changes, postgres.Added))
	leaks, err := r.store.Leaks(t.Context())
	require.NoError(t, err)
	require.Empty(t, leaks)
}

func TestAnImportMovesNothingThatIsInUse(t *testing.T) {
	t.Parallel()
	r := imported(t)
	r.provisioned()
	r.exec(`insert into sites (id, metro, boot) values ('lab2', 'lab', '{127.65.0.67}');
		insert into racks values ('lab2', 'q1');
		insert into switches values ('tor-q1', 'lab2', 'q1', '127.65.1.1:830', 'k', 'c');
		select add_block('203.0.113.0/24', null, 'lab2', 'public', 'pool', null, '')`)
	otherPlan := []string{"plans:\n  c1.small", "plans:\n  c2.big: {description: Big, cores: 9, memory_gib: 9, disks_gb: [9]}\n  c1.small",
		"plan: c1.small\n    firmware: uefi", "plan: c2.big\n    firmware: uefi"}
	before := r.dump()
	for want, site := range map[string]*sitefile.Site{
		"machine m1 is occupied, so its port cannot change from tor-r1:xe-0/0/1 to tor-r1:xe-0/0/9; wait until it is idle":     r.site("xe-0/0/1", "xe-0/0/9"),
		"machine m1 is occupied, so its plan cannot change from c1.small to c2.big; wait until it is idle":                     r.site(otherPlan...),
		"block 198.51.100.0/24: leases stand on it (1) and the file no longer has it":                                          r.site("198.51.100.0/24", "198.51.101.0/24"),
		"block 127.64.128.0/17: leases stand on it (2) and the file no longer has it":                                          r.site("127.64.128.0/17", "127.64.0.128/25"),
		"block 198.51.100.0/24: leases stand on it (1), so it cannot turn from public to private; add another block instead":   r.site("198.51.100.0/24, role: public", "198.51.100.0/24, role: private"),
		"block 203.0.0.0/16 overlaps block 203.0.113.0/24 of site lab2":                                                        r.site("10.64.0.0/16, role: private}", "10.64.0.0/16, role: private}\n  - {prefix: 203.0.0.0/16, role: public}"),
		"machine m9: its BMC address 127.64.2.2 is that of machine m2, which the file does not have; a machine keeps its name": r.site("\n  m2:", "\n  m9:"),
		"switch tor-r1 belongs to site lab1, and machines are cabled to it; names of switches are unique everywhere":           r.site("site: lab1", "site: lab4"),
		"switch tor-r1: its address 127.65.1.1:830 is that of switch tor-q1, which the file does not have":                     r.site("127.64.1.1:8300", "127.65.1.1:830"),
		"machine m1 is occupied, so its site cannot change from lab1 to lab3; wait until it is idle":                           r.site("site: lab1", "site: lab3"),
		"machine m2: port tor-r1:xe-0/0/1 carries the tenant of machine m1; deprovision that device first":                     r.site("xe-0/0/1", "xe-0/0/9", "ae2", "xe-0/0/1"),
		"machine m2: its MAC 02:40:00:00:00:01 is that of machine m1, which the file does not have; a machine keeps its name":  r.site("\n  m1:", "\n  m7:", "02:40:00:00:00:01", "02:40:00:00:00:07", "02-40-00-00-00-02", "02:40:00:00:00:01"),
		"machine m7: its port tor-r1:xe-0/0/1 is that of machine m1, which the file does not have; a machine keeps its name":   r.site("\n  m1:", "\n  m7:"),
	} {
		_, err := r.store.ImportSite(t.Context(), site)
		var refused postgres.Refusals
		require.ErrorAs(t, err, &refused, want)
		require.ErrorIs(t, err, metal.ErrWrongState)
		require.ErrorContains(t, err, want)
		require.Equal(t, before, r.dump(), want)
	}
}

func TestASiteShortOfInstallLinksIsNotImportedByHalf(t *testing.T) {
	t.Parallel()
	r := imported(t)
	site := r.site("  m2:", "  m3:", "127.64.2.2", "127.64.2.3", "02-40-00-00-00-02", "02:40:00:00:00:03", "ae2", "ae3", "unit: 2", "unit: 3")
	r.exec("update pieces set block = null where holder is null and block = '127.64.128.0/17'")
	before := r.dump()
	_, err := r.store.ImportSite(t.Context(), site)
	require.ErrorIs(t, err, metal.ErrNoAddress)
	require.ErrorContains(t, err, "port tor-r1:ae3: lease its install link")
	require.Equal(t, before, r.dump())
}
