package postgres_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
	"millwright/internal/stack/pgtest"
	"millwright/schema"
)

func (n *network) check(found metal.SwitchCheck) {
	n.t.Helper()
	require.NoError(n.t, n.store.RecordCheck(n.t.Context(), "one-a", found))
}

func (n *network) drifts() []query.ListDriftsRow {
	n.t.Helper()
	all, err := n.store.Queries().ListDrifts(n.t.Context(), "")
	require.NoError(n.t, err)
	return all
}

func (n *network) miscablings() []query.Miscabling {
	n.t.Helper()
	all, err := n.store.Queries().ListMiscablings(n.t.Context(), "")
	require.NoError(n.t, err)
	return all
}

func at(name string) metal.Port { return metal.Port{Switch: "one-a", Name: name} }

func TestDriftIsKeptSinceItWasFirstSeenAndClearedWhenItIsGone(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.check(metal.SwitchCheck{Drifts: []metal.Drift{{Port: at("xe-0/0/1"), Diff: "- mtu"}, {Port: at("ae3"), Diff: "- disable"}}})
	first := n.drifts()
	require.Len(t, first, 2)
	require.NotNil(t, n.checked())
	n.check(metal.SwitchCheck{Drifts: []metal.Drift{{Port: at("xe-0/0/1"), Diff: "- more"}}})
	second := n.drifts()
	require.Len(t, second, 1, "what is as intended again is no drift")
	require.Equal(t, "- more", second[0].Diff)
	require.Equal(t, first[1].Since, second[0].Since)
	require.NoError(t, n.store.RecordCheck(t.Context(), "one-b", metal.SwitchCheck{}))
	require.Len(t, n.drifts(), 1, "another switch's check says nothing of this one")
	n.check(metal.SwitchCheck{})
	require.Empty(t, n.drifts())
}

func (n *network) checked() any {
	sw, err := n.store.Queries().GetSwitch(n.t.Context(), "one-a")
	require.NoError(n.t, err)
	return sw.CheckedAt
}

func TestAMiscablingNamesBothPortsAndIsClearedWhenItIsPutRight(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	cables, err := n.store.Cables(t.Context(), "one-a")
	require.NoError(t, err)
	require.Equal(t, metal.Cable{Machine: "one-m3", Port: at("xe-0/0/4")}, cables["02:47:00:00:03:01"], "of a bundle, the physical port")
	require.Equal(t, metal.Cable{Machine: "one-m4", Port: metal.Port{Switch: "one-b", Name: "xe-0/0/5"}}, cables["02:47:00:00:04:01"], "of any switch of the site")
	require.NotContains(t, cables, "02:48:00:00:01:00", "but of no other site")

	swapped := metal.Miscabling{Machine: "one-m1", Heard: at("xe-0/0/2"), Declared: at("xe-0/0/1")}
	n.check(metal.SwitchCheck{Miscablings: []metal.Miscabling{swapped}})
	first := n.miscablings()
	require.Len(t, first, 1)
	require.Equal(t, []string{"one-m1", "xe-0/0/2", "one-a:xe-0/0/1"}, []string{first[0].Machine, first[0].Port, first[0].Declared})
	n.check(metal.SwitchCheck{Miscablings: []metal.Miscabling{swapped}})
	require.Equal(t, first, n.miscablings(), "since when stays")
	swapped.Machine = "one-m2"
	n.check(metal.SwitchCheck{Miscablings: []metal.Miscabling{swapped}})
	require.True(t, n.miscablings()[0].Since.After(first[0].Since), "another machine is another mistake")
	n.check(metal.SwitchCheck{})
	require.Empty(t, n.miscablings())
}

func TestHowSessionsStandIsKeptWithTheirDevices(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.enableBGP("acme", "local", 65000, "")
	claim := n.opened("acme", "one", "plain")
	for _, family := range []int{4, 6} {
		_, err := n.store.SetSession(t.Context(), claim.Device, family, true)
		require.NoError(t, err)
	}
	n.check(metal.SwitchCheck{Sessions: []metal.BGPSession{
		{Port: at("xe-0/0/1"), Machine: netip.MustParseAddr("10.71.0.1"), State: "Established", Received: 3, Accepted: 2},
		{Port: at("xe-0/0/9"), Machine: netip.MustParseAddr("10.71.0.9"), State: "Idle"}, // nobody's
	}})
	sessions, err := n.store.Queries().ListSessions(t.Context(), query.ListSessionsParams{Device: string(claim.Device)})
	require.NoError(t, err)
	require.Len(t, sessions, 2)
	require.Equal(t, []any{"Established", int32(3), int32(2)}, []any{sessions[0].State, sessions[0].Received, sessions[0].Accepted})
	require.NotNil(t, sessions[0].SeenAt)
	require.Empty(t, sessions[1].State, "the other family was not heard of")
}

func TestARepairAsksForACommitOfThePortsNamed(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.applied()
	want, err := n.store.RepairPorts(t.Context(), "one-a", []metal.Port{at("xe-0/0/1"), at("xe-0/0/77")})
	require.NoError(t, err)
	require.Equal(t, []metal.PortGeneration{{Port: at("xe-0/0/1"), Generation: 2}}, want, "a port that is gone needs no repair")
	change, err := n.store.PendingPorts(t.Context(), "one-a")
	require.NoError(t, err)
	require.Len(t, change.Ports, 1)
	require.Equal(t, "millwright: repair of drift", change.Comment)
}

func TestACommitIsKeptWithWhoWhyAndWhat(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.applied()
	claim := n.opened("acme", "one", "plain")
	change, err := n.store.PendingPorts(t.Context(), "one-a")
	require.NoError(t, err)
	require.NoError(t, n.store.PortsCommitted(t.Context(), "one-a", change, metal.Committed{
		Changed: []metal.Port{at("xe-0/0/1")}, Refused: map[metal.Port]string{}, Diff: "+ set interfaces xe-0/0/1",
	}))
	n.applied()
	commits, err := n.store.Queries().ListCommits(t.Context(), query.ListCommitsParams{Switch: "one-a", Most: 9})
	require.NoError(t, err)
	require.Len(t, commits, 1, "what changed nothing is no commit")
	require.Contains(t, commits[0].Comment, string(claim.Device))
	require.Equal(t, []string{"xe-0/0/1"}, commits[0].Ports)
	require.Equal(t, "+ set interfaces xe-0/0/1", commits[0].Diff)
}

func TestAnAnswerIsKeptForADay(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	for _, body := range []string{"first", "second"} {
		require.NoError(t, n.store.SaveAnswer(t.Context(), "run-1", "one-a", body))
	}
	answer, err := n.store.Queries().Answer(t.Context(), "run-1")
	require.NoError(t, err)
	require.Equal(t, "second", answer.Body)
	n.exec("update switch_answers set at = at - interval '25 hours'")
	require.NoError(t, n.store.SaveAnswer(t.Context(), "run-2", "one-a", "third"))
	_, err = n.store.Queries().Answer(t.Context(), "run-1")
	require.ErrorIs(t, err, pgx.ErrNoRows)
}

func TestOnlySwitchesWithPortsAreChecked(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	_, err := n.store.Queries().SetRepair(t.Context(), query.SetRepairParams{ID: "one-b", Repair: true})
	require.NoError(t, err)
	all, err := n.store.Switches(t.Context())
	require.NoError(t, err)
	require.Equal(t, []metal.Switch{{ID: "one-a", Site: "one"}, {ID: "one-b", Site: "one", Repair: true}, {ID: "two-a", Site: "two"}}, all)
}

// beforeNetwork is the last schema in which a machine had one port, without a
// position, and a port one NIC.
const beforeNetwork = 7

func TestADatabaseWithPortsMigratesToTheSameIntents(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t, nil)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	migrator, err := migrate.NewMigrator(t.Context(), conn, "schema_version")
	require.NoError(t, err)
	require.NoError(t, migrator.LoadMigrations(schema.Migrations))
	require.NoError(t, migrator.MigrateTo(t.Context(), beforeSpace))
	_, err = conn.Exec(t.Context(), heldBefore)
	require.NoError(t, err)
	require.NoError(t, migrator.MigrateTo(t.Context(), beforeNetwork))
	_, err = conn.Exec(t.Context(), `
		insert into ports (switch, name, machine) values ('tor-r1', 'xe-0/0/2', 'm1');
		insert into nics (mac, machine, switch, port, position) values
			('02:00:00:00:00:01', 'm1', 'tor-r1', 'xe-0/0/1', 0), ('02:00:00:00:00:02', 'm1', 'tor-r1', 'xe-0/0/2', 1);
		update ports set profile = 'tenant', device = '11111111-1111-1111-1111-111111111111', generation = 7, applied = 7 where name = 'xe-0/0/1';
		select * from take_prefixes('127.64.128.0/17', 31, '{port/tor-r1:xe-0/0/2}', '{install}')`)
	require.NoError(t, err)
	require.NoError(t, postgres.Migrate(t.Context(), dsn))

	store, err := postgres.Open(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(store.Close)
	intents, err := store.PortIntents(t.Context(), "tor-r1", nil)
	require.NoError(t, err)
	require.Len(t, intents, 2)
	require.Equal(t, metal.Tenant, intents[0].Profile)
	require.EqualValues(t, 7, intents[0].Generation, "nobody has to commit for the migration's sake")
	require.Len(t, intents[0].Links, 3)
	require.Equal(t, metal.Parked, intents[1].Profile)
	ports, err := store.Queries().PortsOfMachine(t.Context(), "m1")
	require.NoError(t, err)
	require.Equal(t, []query.PortsOfMachineRow{
		{Switch: "tor-r1", Name: "xe-0/0/1", Position: 0}, {Switch: "tor-r1", Name: "xe-0/0/2", Position: 1},
	}, ports)
	sw, err := store.Switch(t.Context(), "tor-r1")
	require.NoError(t, err)
	require.Equal(t, "junos", sw.Driver)
	require.False(t, sw.Repair)

	// What the new shape is for: a second port of the device, and a second NIC
	// on a port.
	_, err = conn.Exec(t.Context(), `
		insert into switches (id, site, rack, address, host_key, credential) values ('tor-r2', 'lab1', 'r1', 'b', 'k', 'c');
		insert into ports (switch, name, machine, position, profile, device) values ('tor-r2', 'xe-0/0/1', 'm1', 2, 'tenant', '11111111-1111-1111-1111-111111111111');
		insert into nics (mac, machine, switch, port, member, position) values ('02:00:00:00:00:03', 'm1', 'tor-r1', 'xe-0/0/2', 'xe-0/0/12', 2)`)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "update ports set profile = 'tenant', device = '11111111-1111-1111-1111-111111111111' where name = 'xe-0/0/2'")
	require.ErrorContains(t, err, "one_port_per_switch")
}
