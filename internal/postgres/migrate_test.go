package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"
	"github.com/stretchr/testify/require"

	"millwright/internal/postgres"
	"millwright/internal/stack/pgtest"
	"millwright/schema"
)

// beforeSpace is the last schema in which leases and free prefixes were rows of
// their own.
const beforeSpace = 6

// A database as the release before would have left it: an install link, a
// device's links, one that has rested since yesterday, and free prefixes around
// them.
const heldBefore = `
insert into sites (id, metro, boot) values ('lab1', 'lab', '{127.64.0.67}');
insert into racks values ('lab1', 'r1');
insert into switches values ('tor-r1', 'lab1', 'r1', '127.64.1.1:830', 'k', 'c');
insert into plans values ('c1', '', '{}', '1m', '1m', '1m');
insert into operating_systems values ('debian_12', 'Debian', 'debian', '12', 'f', repeat('0', 64), 1);
insert into machines (id, site, rack, unit, plan, firmware, kexec, bmc, disks) values ('m1', 'lab1', 'r1', 1, 'c1', 'uefi', true, '{"address": "a"}', '[]');
insert into ports (switch, name, machine) values ('tor-r1', 'xe-0/0/1', 'm1');
insert into devices (id, project, site, plan, operating_system, hostname, state) values ('11111111-1111-1111-1111-111111111111', 'acme', 'lab1', 'c1', 'debian_12', 'd', 'active');
update machines set state = 'occupied', device = '11111111-1111-1111-1111-111111111111';
insert into blocks values ('127.64.128.0/17', 'lab1', 'install'), ('198.51.100.0/24', 'lab1', 'public'), ('198.51.101.0/24', 'lab1', 'public'),
	('10.64.0.0/16', 'lab1', 'private'), ('2001:db8:64::/56', 'lab1', 'public');
insert into free_prefixes (prefix, block) select prefix, prefix from blocks;
insert into leases (prefix, block, switch, port) values (take_prefix('127.64.128.0/17', 31), '127.64.128.0/17', 'tor-r1', 'xe-0/0/1');
insert into leases (prefix, block, device) select take_prefix(prefix, case family(prefix) when 4 then 31 else 127 end), prefix, '11111111-1111-1111-1111-111111111111'
	from blocks where role <> 'install' and prefix <> '198.51.101.0/24';
insert into leases (prefix, block, device) values (take_prefix('198.51.101.0/24', 31), '198.51.101.0/24', '11111111-1111-1111-1111-111111111111');
update leases set taken_at = '2026-01-02T03:04:05Z';
update leases set released = '2026-02-03T04:05:06Z' where block = '198.51.101.0/24';
`

func TestADatabaseWithLeasesMigratesToTheSameHoldings(t *testing.T) {
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
	rows := func(sql string) []string {
		t.Helper()
		got, err := conn.Query(t.Context(), sql)
		require.NoError(t, err)
		lines, err := pgx.CollectRows(got, pgx.RowTo[string])
		require.NoError(t, err)
		return lines
	}
	held := rows(`select prefix || ' ' || block || ' ' || coalesce('device/' || device, 'port/' || switch || ':' || port) || ' ' || taken_at from leases where released is null order by prefix`)
	rested := rows(`select prefix || ' ' || block || ' ' || released from leases where released is not null order by prefix`)
	free := rows(`select prefix || ' ' || block from free_prefixes order by prefix`)
	require.Len(t, held, 4)
	require.Len(t, rested, 1)

	require.NoError(t, postgres.Migrate(t.Context(), dsn))
	require.Equal(t, held, rows(`select prefix || ' ' || block || ' ' || holder || ' ' || taken_at from pieces where holder is not null order by prefix`))
	require.Equal(t, rested, rows(`select prefix || ' ' || block || ' ' || released from pieces where released is not null order by prefix`))
	require.Equal(t, []string{"198.51.101.0/31 device/11111111-1111-1111-1111-111111111111 acme 2026-01-02 2026-02-03"},
		rows(`select prefix || ' ' || holder || ' ' || project || ' ' || since::date || ' ' || until::date from tenures`))
	require.Equal(t, free, rows(`select prefix || ' ' || block from pieces where block is not null and holder is null and released is null order by prefix`))
	store, err := postgres.Open(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(store.Close)
	leaks, err := store.Leaks(t.Context())
	require.NoError(t, err)
	require.Empty(t, leaks)

	// A repeated claim finds its links under the names by which it asks now.
	leases, err := store.DeviceLeases(t.Context(), []string{"11111111-1111-1111-1111-111111111111"})
	require.NoError(t, err)
	require.Len(t, leases["11111111-1111-1111-1111-111111111111"], 3)
	require.Equal(t, []string{"private4", "public4", "public6"}, rows(`select ask from pieces where device is not null order by ask`))
	freed, err := store.FreeRested(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, freed)
}
