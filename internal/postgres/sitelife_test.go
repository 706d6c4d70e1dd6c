package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// row reads one row of the database.
func (r *rig) row(into []any, sql string, args ...any) {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	require.NoError(r.t, err)
	defer conn.Close(context.Background())
	require.NoError(r.t, conn.QueryRow(r.t.Context(), sql, args...).Scan(into...))
}

// state is what a machine is in, and whether it stands in its site's file.
func (r *rig) state(machine string) (state metal.MachineState, filed bool) {
	r.t.Helper()
	r.row([]any{&state, &filed}, "select state, filed from machines where id = $1", machine)
	return state, filed
}

const (
	m3  = "  m3: {rack: r1, unit: 3, plan: c1.small, firmware: bios, kexec: true, bmc: {address: 127.64.2.3, protocol: ipmi, credential: bmc},\n    nics: [{mac: \"02:40:00:00:00:03\", switch: tor-r1, port: xe-0/0/3}], disks: [{serial: S3, size_gb: 480}]}\n"
	end = "vouched: true\n"
)

func TestNewMachinesAreToBeProvenUnlessTheirSiteIsVouchedFor(t *testing.T) {
	t.Parallel()
	r := imported(t)
	state, _ := r.state("m1")
	require.Equal(t, metal.Idle, state, "the good file is vouched for")

	changes, err := r.store.ImportSite(t.Context(), r.site(end, m3))
	require.NoError(t, err)
	require.Equal(t, []string{"machine m3", "port tor-r1:xe-0/0/3"}, said(changes, postgres.Added))
	require.Empty(t, said(changes, postgres.Changed))
	state, filed := r.state("m3")
	require.Equal(t, metal.Enrolled, state)
	require.True(t, filed)
	state, _ = r.state("m1")
	require.Equal(t, metal.Idle, state, "what was there keeps its state")

	_, err = r.store.ImportSite(t.Context(), r.site(end, m3+end, "unit: 3", "unit: 4"))
	require.NoError(t, err)
	state, _ = r.state("m3")
	require.Equal(t, metal.Enrolled, state, "nobody proves a machine by a later word")
}

func TestAMachineThatWasEnrolledByCommandIsNotTheFiles(t *testing.T) {
	t.Parallel()
	r := imported(t)
	_, err := r.store.ImportSite(t.Context(), r.site(end, m3+end))
	require.NoError(t, err)
	r.exec("update machines set filed = false where id = 'm3'")
	before := r.dump()
	changes, err := r.store.ImportSite(t.Context(), r.site())
	require.NoError(t, err)
	require.Empty(t, said(changes, postgres.Vanished))
	require.Equal(t, before, r.dump())

	changes, err = r.store.ImportSite(t.Context(), r.site(end, m3+end))
	require.NoError(t, err)
	require.Equal(t, []string{"machine m3: in the file false → true"}, said(changes, postgres.Changed))
	_, filed := r.state("m3")
	require.True(t, filed, "who writes it down has it in the file from then on")
	changes, err = r.store.ImportSite(t.Context(), r.site())
	require.NoError(t, err)
	require.Equal(t, []string{"machine m3: it is left as it is", "port tor-r1:xe-0/0/3: it is left as it is"}, said(changes, postgres.Vanished))
}

func TestWhatAPlanExpectsIsKept(t *testing.T) {
	t.Parallel()
	r := imported(t)
	const expects = "disks_gb: [480, 960], disk_types: [ssd, nvme], nic_mbps: 25000, firmware: {bios: 2.12.2}, settings: {Sriov: on}, burn_in: {cpu: 1h, disks: 20m}, spares: 2, watts: 450"
	changes, err := r.store.ImportSite(t.Context(), r.site("disks_gb: [480, 960]", expects, end, end+"power_budget_w: 12000\n"))
	require.NoError(t, err)
	require.Equal(t, []string{
		"site lab1: power_budget_w 0 → 12000",
		"plan c1.small: disk_types [] → [ssd nvme]; nic_mbps 0 → 25000; firmware map[] → map[bios:2.12.2]; settings map[] → map[Sriov:on]; " +
			"burn_in {0s 0s 0s 0s} → {1h0m0s 0s 20m0s 0s}; spares 0 → 2; watts 300 → 450",
	}, said(changes, postgres.Changed))
	var fitness string
	var spares, watts, budget, moved int
	r.row([]any{&fitness, &spares, &watts}, "select fitness::text, spares, watts from plans where id = 'c1.small'")
	require.JSONEq(t, `{"cores": 8, "memory_gib": 32, "disks_gb": [480, 960], "disk_types": ["ssd", "nvme"], "nic_mbps": 25000,
		"baseline": {"bios": "2.12.2"}, "settings": {"Sriov": "on"}, "burn_in": {"cpu": 3600000000000, "disks": 1200000000000}}`, fitness)
	require.Equal(t, []int{2, 450}, []int{spares, watts})
	r.row([]any{&budget}, "select power_budget from sites where id = 'lab1'")
	require.Equal(t, 12000, budget)
	r.row([]any{&moved}, "select count(*) from ports where generation > 1")
	require.Zero(t, moved, "no port cares for watts")

	before := r.dump()
	_, err = r.store.ImportSite(t.Context(), r.site("disks_gb: [480, 960]", expects, end, end+"power_budget_w: 12000\n"))
	require.NoError(t, err)
	require.Equal(t, before, r.dump())
}

func TestABMCKeepsItsGapAndItsSecondWay(t *testing.T) {
	t.Parallel()
	r := imported(t)
	changes, err := r.store.ImportSite(t.Context(), r.site(`cipher_suite: "3"`, `cipher_suite: "3", gap: 250ms, second: {protocol: ipmi, address: "127.64.2.9:623"}`))
	require.NoError(t, err)
	require.Equal(t, []string{"machine m2: BMC gap 0s → 250ms; BMC second way  → ipmi 127.64.2.9:623"}, said(changes, postgres.Changed))
}

func TestAMachineThatWasPutAsideMayBeCorrectedInTheFile(t *testing.T) {
	t.Parallel()
	r := imported(t)
	r.exec("update machines set state = 'quarantined', reason = 'swapped-cables' where id = 'm2'")
	_, err := r.store.ImportSite(t.Context(), r.site("port: ae2", "port: ae7"))
	require.NoError(t, err, "the file is what may have been wrong")
	state, _ := r.state("m2")
	require.Equal(t, metal.Quarantined, state)
	device := r.provisioned()
	r.exec("update machines set state = 'claimed' where device = $1", device)
	r.exec("update machines set state = 'quarantined', reason = 'stuck' where device = $1", device)
	_, err = r.store.ImportSite(t.Context(), r.site("port: ae2", "port: ae7", "xe-0/0/1", "xe-0/0/9"))
	require.ErrorContains(t, err, "machine m1 is quarantined, so its port cannot change from tor-r1:xe-0/0/1 to tor-r1:xe-0/0/9")
}
