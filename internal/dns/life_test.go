package dns_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestANameIsMadeChangedAndTakenAway(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	zone, ctx := server.Zone(names), t.Context()
	for range 2 { // each step may run twice
		require.NoError(t, d.Set(ctx, zone, record(first, "192.0.2.1", "2001:db8::1")))
	}
	require.Equal(t, []string{"192.0.2.1"}, server.Dig(t, web, "A"))
	require.Equal(t, []string{"2001:db8::1"}, server.Dig(t, web, "AAAA"))
	require.Equal(t, []string{`"heritage=millwright,device=3f2a9c1b-7c1e-4f7e-9a55-0d6f6c3b2a10"`}, server.Dig(t, web, "TXT"))

	for range 2 {
		require.NoError(t, d.Set(ctx, zone, record(first, "192.0.2.3", "192.0.2.2", "192.0.2.2")))
	}
	require.Equal(t, []string{"192.0.2.2", "192.0.2.3"}, server.Dig(t, web, "A"))
	require.Empty(t, server.Dig(t, web, "AAAA"), "what is not named is gone")

	for range 2 {
		require.NoError(t, d.Remove(ctx, zone, web, first))
	}
	for _, kind := range []string{"A", "AAAA", "TXT"} {
		require.Empty(t, server.Dig(t, web, kind))
	}
}

func TestAnAddressHasItsNameInBothFamilies(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	ctx := t.Context()
	for addr, zone := range map[string]metal.Zone{"192.0.2.1": server.Zone(reverse4), "2001:db8::1": server.Zone(reverse6)} {
		for range 2 {
			require.NoError(t, d.SetReverse(ctx, zone, pointer(first, addr, web)))
		}
		require.Equal(t, []string{web + "."}, server.Dig(t, addr, "-x"))
		require.NoError(t, d.SetReverse(ctx, zone, pointer(first, addr, "Mail.Acme.example.")))
		require.Equal(t, []string{"mail.acme.example."}, server.Dig(t, addr, "-x"))
		for range 2 {
			require.NoError(t, d.RemoveReverse(ctx, zone, netip.MustParseAddr(addr), first))
		}
		require.Empty(t, server.Dig(t, addr, "-x"))
	}
}

// The parent zone leads from each address of a /26 to the child zone, as RFC
// 2317 section 4 has it: there the PTRs stand, in a zone with a slash in its
// name or with any other name.
func TestLessThanASlash24IsDelegatedByAliases(t *testing.T) {
	t.Parallel()
	server := startClassless(t)
	d := driver(server)
	zones := []metal.Zone{server.Zone(reverse4), server.Zone("64/26." + reverse4), server.Zone("acme." + reverse4)}
	zones[2].Addresses = netip.MustParsePrefix("192.0.2.128/31")
	for addr, at := range map[string]string{"192.0.2.70": "70.64/26." + reverse4, "192.0.2.128": "128.acme." + reverse4} {
		zone, ok := metal.ReverseZone(zones, netip.MustParseAddr(addr))
		require.True(t, ok)
		require.NoError(t, d.SetReverse(t.Context(), zone, pointer(first, addr, web)))
		require.Equal(t, []string{at + "."}, server.Dig(t, addr, "-x"), "the alias, for a resolver to follow")
		require.Equal(t, []string{web + "."}, server.Dig(t, at, "PTR"))

		err := d.SetReverse(t.Context(), zones[0], pointer(first, addr, web))
		requireTaken(t, err, "")
		require.ErrorContains(t, err, "an alias for "+at)

		require.NoError(t, d.RemoveReverse(t.Context(), zone, netip.MustParseAddr(addr), first))
		require.Empty(t, server.Dig(t, at, "PTR"))
	}
	require.NoError(t, d.SetReverse(t.Context(), zones[0], pointer(first, "192.0.2.5", web)))
	require.Equal(t, []string{web + "."}, server.Dig(t, "192.0.2.5", "-x"))
}

func TestANewTTLIsWrittenAndAnOldOneLeftAlone(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	zone := server.Zone(names)
	require.NoError(t, d.Set(t.Context(), zone, record(first, "192.0.2.1")))
	before := server.Dig(t, names, "SOA")
	watched := zone
	watched.Server = between(t, server.Addr, &proxy{beforeUpdate: func() error { return errors.New("there is nothing to write") }})
	require.NoError(t, d.Set(t.Context(), watched, record(first, "192.0.2.1")))

	zone.TTL = time.Minute
	require.NoError(t, d.Set(t.Context(), zone, record(first, "192.0.2.1")))
	require.NotEqual(t, before, server.Dig(t, names, "SOA"))
}

func TestANameWithMoreAddressesThanADatagramHoldsReadsBack(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	many := metal.Record{Name: web, Owner: first}
	for a := netip.MustParseAddr("2001:db8::1"); len(many.Addresses) < 90; a = a.Next() { // 2.5 KB; UDP gives 1,232 bytes, BIND's max-records-per-type 100
		many.Addresses = append(many.Addresses, a)
	}
	require.NoError(t, d.Set(t.Context(), server.Zone(names), many))
	require.Len(t, server.Dig(t, web, "AAAA"), 90)
	require.NoError(t, d.Remove(t.Context(), server.Zone(names), web, first))
	require.Empty(t, server.Dig(t, web, "AAAA"))
}

func TestWhatIsOursCanBeListed(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	server.Edit(t, "add www.lab1.example.net 60 A 192.0.2.9", `add note.lab1.example.net 60 TXT "heritage=external-dns,owner=x"`)
	require.NoError(t, d.Set(t.Context(), server.Zone(names), record(first, "192.0.2.1", "2001:db8::1")))
	require.NoError(t, d.SetReverse(t.Context(), server.Zone(reverse6), pointer("project/acme", "2001:db8::1", web)))

	owned, err := d.Owned(t.Context(), server.Zone(names))
	require.NoError(t, err)
	require.Equal(t, []metal.OwnedName{{Name: web, Owner: first}}, owned)
	owned, err = d.Owned(t.Context(), server.Zone(reverse6))
	require.NoError(t, err)
	require.Len(t, owned, 1)
	require.Equal(t, metal.Holder("project/acme"), owned[0].Owner)
	require.NoError(t, d.Remove(t.Context(), server.Zone(reverse6), owned[0].Name, owned[0].Owner), "as it was listed")
	require.Empty(t, server.Dig(t, "2001:db8::1", "-x"))
}

func TestNoUpdateIsAskedForThatMakesNoSense(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	zone, ctx := server.Zone(names), t.Context()
	for _, bad := range []metal.Record{
		record(first),
		record(first, "fe80::1%eth0"),
		record(first, "0.0.0.0"),
		record(first, "ff02::1"),
		record("", "192.0.2.1"),
		record("device/a b", "192.0.2.1"),
		record("device/"+metal.Holder(strings.Repeat("a", 300)), "192.0.2.1"),
		record(`device/a"b`, "192.0.2.1"),
		{Name: "*.lab1.example.net", Addresses: addrs("192.0.2.1"), Owner: first},
		{Name: "lab1.example.net", Addresses: addrs("192.0.2.1"), Owner: first},
		{Name: "web1.example.org", Addresses: addrs("192.0.2.1"), Owner: first},
		{Name: "web1.notlab1.example.net", Addresses: addrs("192.0.2.1"), Owner: first},
	} {
		require.ErrorIs(t, d.Set(ctx, zone, bad), metal.ErrInvalidName, "%+v", bad)
	}
	require.ErrorIs(t, d.SetReverse(ctx, server.Zone(reverse4), pointer(first, "192.0.2.1", "localhost")), metal.ErrInvalidName)
	require.ErrorIs(t, d.SetReverse(ctx, server.Zone(reverse4), pointer(first, "192.0.3.1", web)), metal.ErrBadZone)
	require.ErrorIs(t, d.Remove(ctx, zone, names, first), metal.ErrInvalidName, "a zone's own name is nobody's")
	require.ErrorIs(t, d.RemoveReverse(ctx, zone, netip.MustParseAddr("192.0.2.1"), first), metal.ErrBadZone)
}
