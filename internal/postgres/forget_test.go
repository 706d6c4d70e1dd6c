package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// lived fills every table that grows with what happens: one row of each kind
// that is as old as it says, on a machine and a device that is gone.
const lived = `
with at as (select now() - $1::interval as at), m as (select id, site from machines order by id limit 1),
u as (insert into user_data (sha256, body, stored_at) select encode(sha256(convert_to($2, 'UTF8')), 'hex'), convert_to($2, 'UTF8'), at from at returning sha256),
orphan as (insert into user_data (sha256, body, stored_at) select encode(sha256(convert_to($2 || '?', 'UTF8')), 'hex'), convert_to($2 || '?', 'UTF8'), at from at),
p as (select id as plan, (select min(operating_system) from plan_operating_systems where plan = plans.id) as os from plans order by id limit 1),
d as (insert into devices (id, project, site, plan, operating_system, hostname, state, deleted_at, user_data)
	select gen_random_uuid(), 'acme', m.site, p.plan, p.os, 'h', 'deleted', at, u.sha256 from at, m, p, u returning id),
o as (insert into orders (id, action, device, input, state, ended_at) select 'o' || $2, 'provision', d.id, '{}', 'done', at from at, d),
e as (insert into events (at, device, kind, body, project) select at, d.id, 'claim', $2, 'acme' from at, d),
c as (insert into commits (switch, at, comment, ports, diff) select (select min(id) from switches), at, $2, '{}', '' from at),
l as (insert into log_entries (machine, entry, severity, message, read_at) select m.id, $2, 'note', $2, at from at, m),
i as (insert into issues (machine, look, kind, severity, blocks, detail, opened_at, closed_at) select m.id, 'patrol', $2, 'note', false, $2, at, at from at, m),
b as (insert into burn_ins (machine, boot, body, at) select m.id, $3, '[]', at from at, m),
t as (insert into tenures (prefix, block, role, holder, ask, since, until) select '192.0.2.1/32', '192.0.2.0/24', 'public', 'project/acme', $2, at, at from at),
k as (insert into api_keys (id, project, hash, session, created_at, expires_at) select gen_random_uuid(), 'acme', sha256(convert_to($2, 'UTF8')), true, at, at from at),
v as (insert into invitations (id, email, organization, roles, invited_by, created_at, expires_at) select gen_random_uuid(), 'a@b.example', (select min(id) from organizations), '{admin}', (select min(id) from users), at, at from at),
r as (insert into reports (site, machine, boot, kind, detail, run, reported_at, signalled_at) select m.site, m.id, $3, 'installed', '', 'run', at, at from at, m),
x as (insert into consoles (machine, epoch, boot, last_at) select m.id, 1, $3, at from at, m),
g as (insert into agent_logs (machine, boot, place, body, at) select m.id, $3, 0, $2, at from at, m),
n as (insert into address_notes (prefix, taken_at, details) select ('198.18.0.' || $3 || '/32')::cidr, at, $2 from at),
y as (insert into repeats (caller, key, digest, code, thing, at) select 'user/u', $2, '', 201, '', at from at),
h as (insert into changes (at, request, caller, method, path, code, outcome) select at, $2, 'user/u', 'POST', '/p', 201, 'done' from at)
insert into deliveries (id, webhook, state, made_at, ended_at) select $2, (select min(id) from webhooks), 'delivered', at, at from at`

// tenancy is whom such rows are of.
const tenancy = `
with u as (insert into users (id, email) values (gen_random_uuid(), 'u@u.example') returning id),
o as (insert into organizations (id, name) values (gen_random_uuid(), 'o') returning id),
p as (insert into projects (id, organization, name) select 'acme', id, 'acme' from o returning id)
insert into webhooks (id, project, url, secret, types) select gen_random_uuid(), id, 'https://a.example', '', '{none}' from p`

// aged is a database in which something of every kind happened so many days ago.
func aged(t *testing.T, days ...int) *rig {
	t.Helper()
	r := imported(t)
	r.exec(tenancy)
	for n, ago := range days {
		r.exec(lived, time.Duration(ago)*24*time.Hour, fmt.Sprintf("%d days ago", ago), n+1)
	}
	return r
}

// rows counts a table's rows, or what else a query counts.
func (r *rig) rows(from string) (n int) {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	require.NoError(r.t, err)
	defer conn.Close(context.Background())
	require.NoError(r.t, conn.QueryRow(r.t.Context(), "select count(*) from "+from).Scan(&n))
	return n
}

var (
	audited  = []string{"changes", "orders", "tenures", "api_keys", "invitations"}
	happened = []string{"events", "commits", "log_entries", "issues", "burn_ins"}
	logged   = []string{"consoles", "agent_logs", "reports", "deliveries", "repeats", "address_notes", "devices where user_data is not null"}
)

func TestEverythingIsKeptForAsLongAsItsKindIs(t *testing.T) {
	t.Parallel()
	r := aged(t, 500, 350, 250, 150, 1) // oldest first, as they happen
	gone, err := r.store.Forget(t.Context(), metal.Keep{Audit: 400 * 24 * time.Hour, Events: 300 * 24 * time.Hour, Logs: 200 * 24 * time.Hour})
	require.NoError(t, err)
	for want, tables := range map[int][]string{4: audited, 3: happened, 2: logged} {
		for _, table := range tables {
			require.Equal(t, want, r.rows(table), table)
		}
	}
	require.Equal(t, 4, r.rows("user_data"), "two devices have theirs, and two were stored for a device lately")
	require.Equal(t, 5, r.rows("devices"), "what was paid for stays")
	require.Len(t, gone, 18)
}

func TestWhatIsNeededStaysHoweverOldItIs(t *testing.T) {
	t.Parallel()
	r := aged(t, 900)
	r.exec("insert into deliveries (id, webhook, event) select 'due', (select min(id) from webhooks), min(id) from events")
	r.exec("update reports set signalled_at = null")
	r.exec("update issues set closed_at = null")
	r.exec("update api_keys set session = false, expires_at = null")
	r.exec("update devices set state = 'active', deleted_at = null")
	r.exec("update pieces set taken_at = now() - interval '900 days' where holder is not null")
	r.exec("delete from address_notes")
	r.exec("insert into address_notes (prefix, taken_at) select prefix, taken_at from pieces where holder is not null limit 1")
	_, err := r.store.Forget(t.Context(), metal.Keep{})
	require.NoError(t, err)
	for _, table := range []string{"address_notes", "events", "reports", "issues", "api_keys", "orders", "burn_ins", "user_data", "deliveries"} {
		require.Equal(t, 1, r.rows(table), table)
	}
}

func TestWhatIsCountedForEverDoesNotCountDown(t *testing.T) {
	t.Parallel()
	r := aged(t, 500, 450, 1)
	commits := func() (all int64) {
		counted, err := r.store.Queries().CountPorts(t.Context())
		require.NoError(t, err)
		for _, w := range counted {
			all += w.Commits
		}
		return all
	}
	for range 2 {
		orders, err := r.store.Queries().CountOrders(t.Context())
		require.NoError(t, err)
		require.Len(t, orders, 1)
		require.EqualValues(t, 3, orders[0].Count)
		require.EqualValues(t, 3, commits())
		_, err = r.store.Forget(t.Context(), metal.Keep{})
		require.NoError(t, err)
	}
	require.Equal(t, 1, r.rows("commits"))
}

func TestOldRowsGoInPartsAndInTurn(t *testing.T) {
	t.Parallel()
	r := imported(t)
	r.exec(`insert into changes (at, request, caller, method, path, code, outcome)
		select now() - i * interval '1 day', 'r' || i, 'user/u', 'POST', '/p', 201, 'done' from generate_series(0, 12000) i`)
	gone, err := r.store.Forget(t.Context(), metal.Keep{})
	require.NoError(t, err)
	require.EqualValues(t, 12001-400, gone["changes"], "in more than one part")
	_, total, err := r.store.Changes(t.Context(), metal.AuditFilter{}, metal.Page{Limit: 3, Offset: 1})
	require.NoError(t, err)
	require.Equal(t, 400, total)

	r.exec("update changes set at = at - interval '300 days'")
	gone, err = r.store.Forget(t.Context(), metal.Keep{})
	require.NoError(t, err)
	require.Empty(t, gone, "somebody looked a moment ago")
	r.exec("update retention set taken_at = now() - interval '61 minutes'")
	gone, err = r.store.Forget(t.Context(), metal.Keep{})
	require.NoError(t, err)
	require.EqualValues(t, 300, gone["changes"])
}

func TestForgettingIsDoneOnceEverythingWasGoneThrough(t *testing.T) {
	t.Parallel()
	r := aged(t, 500)
	r.exec("update retention set done_at = 'epoch'")
	r.exec("alter table forgotten add check (what <> 'orders')")
	gone, err := r.store.Forget(t.Context(), metal.Keep{})
	require.ErrorContains(t, err, "forget old orders")
	require.Equal(t, map[string]int64{"changes": 1}, gone)
	done, err := r.store.Queries().RetentionDone(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(0), done.Unix())
}
