package api

import (
	"net/netip"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/stack/pgtest"
)

// Postgres and Go each write a prefix in their own way, and have to make the
// same ID of it.
func TestTheDatabaseAndTheAPIMakeTheSameIDs(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), pgtest.Database(t, postgres.Migrate))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	const device = metal.DeviceID("0c8f7a0e-7f0b-4c1d-9d5c-0b8f6d1f2a3b")
	for _, text := range []string{
		"192.0.2.1/32", "10.64.0.0/25", "0.0.0.0/0", "2001:db8::/56", "2001:db8:0:0:1::/80", "2001:db8:0:1::/64", "2001:db8:1:0:1:0:1:0/127",
		"2001:db8:0:1:0:1:0:1/128", "2001:0:0:1:0:0:0:1/128", "2001:db8:a:b:c:d:0:f0/124", "fd00::ff00:0:0/96", "2001:DB8:ABCD::/48",
	} {
		prefix := netip.MustParsePrefix(text)
		var assignment, block string
		require.NoError(t, pool.QueryRow(t.Context(), `select assignment_id($1, $2::cidr), block_id($2::cidr)`, device, prefix).Scan(&assignment, &block))
		require.Equal(t, assignmentID(prefix, device), assignment, text)
		require.Equal(t, blockID(prefix), block, text)
	}
}
