package postgres_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/ipam"
	"millwright/internal/metal"
)

// space is the good site with pools large enough for blocks of projects, and
// one block of no site.
func space(t *testing.T) *rig {
	t.Helper()
	r := imported(t)
	for _, b := range []metal.Block{
		{Prefix: prefix("203.0.113.0/24"), Site: "lab1", Role: metal.Public},
		{Prefix: prefix("192.0.2.0/24"), Role: metal.Anycast},
		{Prefix: prefix("2001:db8:6400::/40"), Site: "lab1", Role: metal.Public},
		{Prefix: prefix("172.16.0.0/16"), Site: "lab1", Role: metal.Management},
	} {
		b.Purpose = metal.Pool
		require.NoError(t, r.store.AddBlock(t.Context(), b))
	}
	return r
}

func prefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }

// everything is every row of what operators change, with its version: a row
// that was written as it was shows too.
func (r *rig) everything() string {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	require.NoError(r.t, err)
	defer conn.Close(context.Background())
	var all strings.Builder
	for _, table := range []string{"aggregates", "blocks", "block_projects", "pieces", "tenures", "space_rules", "quotas", "reservations", "ports"} {
		rows, err := conn.Query(r.t.Context(), "select xmin::text || ' ' || t::text from "+table+" t order by t::text")
		require.NoError(r.t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(r.t, err)
		fmt.Fprintln(&all, table, strings.Join(lines, "\n"))
	}
	return all.String()
}

func (r *rig) whole() {
	r.t.Helper()
	leaks, err := r.store.Leaks(r.t.Context())
	require.NoError(r.t, err)
	require.Empty(r.t, leaks)
}

// wish is a reservation for acme at lab1, numbered.
func wish(n, bits int) metal.ReservationWish {
	w := metal.ReservationWish{ID: metal.ReservationID(fmt.Sprintf("00000000-0000-0000-0000-%012d", n)), Project: "acme", Site: "lab1", Family: 4, Bits: bits}
	if bits > 32 {
		w.Family = 6
	}
	return w
}

// wanting is a wish for one very prefix.
func wanting(n int, text string) metal.ReservationWish {
	w := wish(n, prefix(text).Bits())
	w.Wanted, w.Family = prefix(text), ipam.Family(prefix(text))
	return w
}

func (r *rig) reserve(w metal.ReservationWish) metal.ReservationStatus {
	r.t.Helper()
	status, err := r.store.Reserve(r.t.Context(), w)
	require.NoError(r.t, err)
	return status
}

func (r *rig) take(holder, text string) {
	r.t.Helper()
	_, err := r.store.Take(r.t.Context(), take(holder, text))
	require.NoError(r.t, err)
}

// now is Postgres's clock, by which leases are dated.
func (r *rig) now() (at time.Time) {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	require.NoError(r.t, err)
	defer conn.Close(context.Background())
	require.NoError(r.t, conn.QueryRow(r.t.Context(), "select clock_timestamp()").Scan(&at))
	return at
}

// second gives machine m2 a device of a project.
func (r *rig) second(project string) metal.DeviceID {
	r.t.Helper()
	order, err := metal.ParseOrder("o-2", []byte(`{"action":"provision","project":"`+project+`","site":"lab1","plan":"c1.small","operating_system":"debian_12"}`))
	require.NoError(r.t, err)
	_, err = r.store.RecordOrder(r.t.Context(), order)
	require.NoError(r.t, err)
	held, err := r.store.ClaimMachine(r.t.Context(), order.Device, order.ID)
	require.NoError(r.t, err)
	_, err = r.store.SetPorts(r.t.Context(), held.Claim, metal.Tenant)
	require.NoError(r.t, err)
	require.NoError(r.t, r.store.ActivateDevice(r.t.Context(), held.Claim, metal.Ending{Order: order.ID, State: metal.Active}))
	return order.Device
}
