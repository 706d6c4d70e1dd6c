package ipam

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"millwright/internal/metal"
)

func TestAnAskThatCannotBeSaysWhatToDo(t *testing.T) {
	t.Parallel()
	parse := func(text string) error { _, err := ParsePrefix(text); return err }
	size := func(text, block string) error { _, err := ParseSize(text, prefix(block)); return err }
	pool := metal.Block{Prefix: prefix("198.51.100.0/24"), Role: metal.Public, Site: "lab1", Purpose: metal.Pool, Projects: []metal.ProjectID{"acme"}}
	with := func(change func(*metal.Block)) error { b := pool; change(&b); return CheckBlock(b) }
	pieces := []metal.Piece{
		{Prefix: prefix("198.51.100.0/31"), State: metal.Held, Holder: "device/d1"},
		{Prefix: prefix("198.51.100.2/31"), State: metal.Resting, FreedAt: time.Date(2026, 11, 22, 12, 15, 0, 0, time.UTC)},
		{Prefix: prefix("198.51.100.4/30"), State: metal.Free},
	}
	for _, c := range []struct {
		err  error
		kind error
		want string
	}{
		{parse("10.0.0.1/24"), metal.ErrInvalidPrefix, "10.0.0.1/24: not a usable prefix: it has host bits; write 10.0.0.0/24 for the network, or 10.0.0.1/32 for the address"},
		{parse("10.0.0.1"), metal.ErrInvalidPrefix, "10.0.0.1: not a usable prefix: it has no length; write 10.0.0.1/32 for the one address"},
		{parse("fe80::1%eth0"), metal.ErrInvalidPrefix, `"fe80::1%eth0": not a usable prefix; write one like 198.51.100.0/24 or 2001:db8::/56`},
		{parse("10.0.0.0/33"), metal.ErrInvalidPrefix, `"10.0.0.0/33": not a usable prefix; write one like 198.51.100.0/24 or 2001:db8::/56`},
		{parse("::ffff:10.0.0.0/104"), metal.ErrInvalidPrefix, "::ffff:10.0.0.0/104: not a usable prefix: it is IPv4 in the form of IPv6; write 10.0.0.0/…"},
		{size("/20", "198.51.100.0/24"), metal.ErrInvalidPrefix, "a /20: not a usable prefix: block 198.51.100.0/24 cannot hold it; ask for /24 to /32, or name a larger block"},
		{size("/64", "198.51.100.0/24"), metal.ErrInvalidPrefix, "a /64: not a usable prefix: lengths in 198.51.100.0/24 end at /32; ask for /24 to /32"},
		{size("512 addresses", "198.51.100.0/24"), metal.ErrInvalidPrefix, "a /23: not a usable prefix: block 198.51.100.0/24 cannot hold it; ask for /24 to /32, or name a larger block"},
		{size("3 addresses", "198.51.100.0/24"), metal.ErrInvalidPrefix, `size "3 addresses": not a usable prefix: a prefix has a power of two addresses; write 1, 2, 4, 8, …`},
		{size("16 addresses", "2001:db8::/56"), metal.ErrInvalidPrefix, `size "16 addresses": not a usable prefix: IPv6 is not counted in addresses; write a length like /64`},
		{size("big", "2001:db8::/56"), metal.ErrInvalidPrefix, `size "big": not a usable prefix; write a length like /128`},
		{CheckWithin(pool.Prefix, prefix("2001:db8::/64")), metal.ErrInvalidPrefix, "2001:db8::/64: not a usable prefix: it is IPv6 and block 198.51.100.0/24 is IPv4; name a block of its family"},
		{CheckWithin(pool.Prefix, prefix("198.51.101.0/32")), metal.ErrInvalidPrefix, "198.51.101.0/32: not a usable prefix: it is not within block 198.51.100.0/24; ask for one of 198.51.100.0 to 198.51.100.255"},
		{CheckProject(pool, "globex"), metal.ErrNotAllowed, "block 198.51.100.0/24: not allowed for project globex; add it to the block's projects, or name another block"},
		{CheckProject(metal.Block{Prefix: pool.Prefix, Project: "acme"}, "globex"), metal.ErrNotAllowed, "block 198.51.100.0/24: not allowed for project globex: it is project acme's; name another block"},
		{CheckFree(prefix("198.51.100.0/32"), pieces), metal.ErrInUse, "198.51.100.0/32: 198.51.100.0/31 is in use by device/d1; give it back first, or ask for another prefix"},
		{CheckFree(prefix("198.51.100.2/32"), pieces), metal.ErrQuarantined, "198.51.100.2/32: 198.51.100.2/31 is in quarantine until 2026-11-22T12:15:00Z; ask again then, or for another prefix"},
		{CheckQuota("acme", 4, 14, 4, 16), metal.ErrQuota, "project acme: quota reached: it has 14 of 16 addresses and asks for 4 more; give some back, or have the quota raised"},
		{CheckAggregate(prefix("198.51.0.0/16"), lab()), metal.ErrOverlap, "aggregate 198.51.0.0/16: overlaps what is there: aggregate 198.51.100.0/24 is there; cut a block from it instead"},
		{with(func(b *metal.Block) { b.Role = "secret" }), metal.ErrNotAllowed, `block 198.51.100.0/24: not allowed: role is "secret"; write one of public, private, install, management, loopback, link, anycast`},
		{with(func(b *metal.Block) { b.Role = metal.Anycast }), metal.ErrNotAllowed, "block 198.51.100.0/24: not allowed: anycast is of no site; leave lab1 out"},
		{with(func(b *metal.Block) { b.Site = "" }), metal.ErrNotAllowed, "block 198.51.100.0/24: not allowed: it has no site; name one"},
		{with(func(b *metal.Block) { b.Project = "acme" }), metal.ErrNotAllowed, "block 198.51.100.0/24: not allowed: a pool is no project's; write own or reservation, or leave acme out"},
		{with(func(b *metal.Block) { b.Purpose = metal.Own }), metal.ErrNotAllowed, "block 198.51.100.0/24: not allowed: purpose own needs a project; name one"},
		{with(func(b *metal.Block) { b.Purpose = "fun" }), metal.ErrNotAllowed, `block 198.51.100.0/24: not allowed: purpose is "fun"; write pool, own or reservation`},
	} {
		require.EqualError(t, c.err, c.want)
		require.ErrorIs(t, c.err, c.kind)
	}
}

func TestAnAskThatCanBeIsNotRefused(t *testing.T) {
	t.Parallel()
	bits, err := ParseSize("16 addresses", prefix("198.51.100.0/24"))
	require.NoError(t, err)
	require.Equal(t, 28, bits)
	bits, err = ParseSize("64", prefix("2001:db8::/56"))
	require.NoError(t, err)
	require.Equal(t, 64, bits)
	require.NoError(t, CheckWithin(prefix("2001:db8::/56"), prefix("2001:db8::/56")))
	require.NoError(t, CheckFree(prefix("198.51.100.4/30"), []metal.Piece{{Prefix: prefix("198.51.100.4/30"), State: metal.Free}}))
	require.NoError(t, CheckProject(metal.Block{Projects: []metal.ProjectID{"acme"}}, "acme"))
	require.NoError(t, CheckProject(metal.Block{}, "acme"))
	require.NoError(t, CheckQuota("acme", 4, 12, 4, 16))
	require.NoError(t, CheckQuota("acme", 4, 1e6, 4, 0), "no quota")
	require.NoError(t, CheckAggregate(prefix("203.0.113.0/24"), lab()))
	rapid.Check(t, func(t *rapid.T) {
		p := parts(t, prefix("2001:db8::/32"), 9)
		for _, p := range p {
			parsed, err := ParsePrefix(" " + p.String() + " ")
			require.NoError(t, err)
			require.Equal(t, p, parsed)
		}
	})
}
