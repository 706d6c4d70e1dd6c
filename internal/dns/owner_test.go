package dns_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/dns/dnstest"
	"millwright/internal/metal"
)

func startClassless(t *testing.T) *dnstest.Server {
	t.Helper()
	server := dnstest.Start(t, reverse4, "64/26."+reverse4, "acme."+reverse4)
	server.Edit(t,
		"add 70."+reverse4+" 60 CNAME 70.64/26."+reverse4,
		"add 128."+reverse4+" 60 CNAME 128.acme."+reverse4)
	return server
}

func TestWhatPeopleMadeByHandIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"A 192.0.2.99", "AAAA 2001:db8::99", "MX 10 mail.example.", `TXT "v=spf1 -all"`, "CNAME www.example."} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			d, server := setup(t)
			zone := server.Zone(names)
			server.Edit(t, "add "+web+" 60 "+line)
			before := server.Dig(t, names, "SOA")
			requireTaken(t, d.Set(t.Context(), zone, record(first, "192.0.2.1")), "")
			require.NoError(t, d.Remove(t.Context(), zone, web, first), "nothing of ours is there")
			require.Equal(t, before, server.Dig(t, names, "SOA"), "the serial is the same: nothing was written")
		})
	}
}

func TestAPTRMadeByHandIsLeftAlone(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	zone := server.Zone(reverse4)
	server.Edit(t, "add 1."+reverse4+" 60 PTR gw.example.")
	requireTaken(t, d.SetReverse(t.Context(), zone, pointer(first, "192.0.2.1", web)), "")
	require.NoError(t, d.RemoveReverse(t.Context(), zone, netip.MustParseAddr("192.0.2.1"), first))
	require.Equal(t, []string{"gw.example."}, server.Dig(t, "192.0.2.1", "-x"))
}

func TestAnAliasForOurValueIsSomebodyElses(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	server.Edit(t, "add www.lab1.example.net 60 A 192.0.2.1", "add "+web+" 60 CNAME www.lab1.example.net.")
	err := d.Set(t.Context(), server.Zone(names), record(first, "192.0.2.1"))
	requireTaken(t, err, "")
	require.ErrorContains(t, err, web+" has an alias for www.lab1.example.net, not made by Millwright")
}

func TestWhatWasMadeByHandWithOurValueBecomesOurs(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	zone := server.Zone(names)
	server.Edit(t, "add "+web+" 60 A 192.0.2.1", "add "+web+` 60 TXT "v=spf1 -all"`)
	require.NoError(t, d.Set(t.Context(), zone, record(first, "192.0.2.1")))
	requireTaken(t, d.Set(t.Context(), zone, record(second, "192.0.2.1")), first)
	require.NoError(t, d.Remove(t.Context(), zone, web, first))
	require.Empty(t, server.Dig(t, web, "A"))
	require.Equal(t, []string{`"v=spf1 -all"`}, server.Dig(t, web, "TXT"), "which was never ours")
}

func TestRecordsThatPeoplePutBesideOursStay(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	zone := server.Zone(names)
	require.NoError(t, d.Set(t.Context(), zone, record(first, "192.0.2.1")))
	server.Edit(t, "add "+web+" 60 MX 10 mail.example.", "add "+web+` 300 TXT "v=spf1 -all"`)
	require.NoError(t, d.Set(t.Context(), zone, record(first, "192.0.2.2")))
	require.NoError(t, d.Remove(t.Context(), zone, web, first))
	require.Equal(t, []string{"10 mail.example."}, server.Dig(t, web, "MX"))
	require.Equal(t, []string{`"v=spf1 -all"`}, server.Dig(t, web, "TXT"))
	require.Empty(t, server.Dig(t, web, "A"))
}

func TestAGhostOfAnEarlierOwnerTakesNothingFromTheNext(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	zone, back, ctx := server.Zone(names), server.Zone(reverse4), t.Context()
	addr := netip.MustParseAddr("192.0.2.1")
	require.NoError(t, d.Set(ctx, zone, record(first, "192.0.2.1")))
	require.NoError(t, d.SetReverse(ctx, back, pointer(first, "192.0.2.1", web)))
	requireTaken(t, d.SetReverse(ctx, back, pointer(second, "192.0.2.1", "other.example")), first)
	require.NoError(t, d.Remove(ctx, zone, web, first))
	require.NoError(t, d.RemoveReverse(ctx, back, addr, first))

	require.NoError(t, d.Set(ctx, zone, record(second, "192.0.2.1")))
	require.NoError(t, d.SetReverse(ctx, back, pointer(second, "192.0.2.1", web)))
	require.NoError(t, d.Remove(ctx, zone, web, first))
	require.NoError(t, d.RemoveReverse(ctx, back, addr, first))
	requireTaken(t, d.Set(ctx, zone, record(first, "192.0.2.7")), second)
	require.Equal(t, []string{"192.0.2.1"}, server.Dig(t, web, "A"))
	require.Equal(t, []string{web + "."}, server.Dig(t, "192.0.2.1", "-x"))
}

func TestOfManyWhoWantANameOneGetsIt(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	zone := server.Zone(names)
	errs := make([]error, 16)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			owner := metal.Holder(fmt.Sprintf("device/%d", i))
			errs[i] = d.Set(t.Context(), zone, record(owner, fmt.Sprintf("192.0.2.%d", i)))
		})
	}
	all.Wait()
	winner := -1
	for i, err := range errs {
		if err == nil {
			require.Equal(t, -1, winner)
			winner = i
		} else {
			require.ErrorIs(t, err, metal.ErrNameTaken)
		}
	}
	require.NotEqual(t, -1, winner)
	require.Equal(t, []string{fmt.Sprintf("192.0.2.%d", winner)}, server.Dig(t, web, "A"))
	require.Equal(t, []string{fmt.Sprintf(`"heritage=millwright,device=%d"`, winner)}, server.Dig(t, web, "TXT"))
}

// BIND would drop some of two hundred that came at the same moment.
func TestOfTwoHundredUpdatesAtOnceNoneIsLost(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	zone := server.Zone(names)
	name := func(i int) string { return fmt.Sprintf("m%d.acme.lab1.example.net", i) }
	owner := func(i int) metal.Holder { return metal.Holder(fmt.Sprintf("device/%d", i)) }
	inParallel(t, 200, func(i int) error {
		return d.Set(t.Context(), zone, metal.Record{Name: name(i), Addresses: addrs(fmt.Sprintf("192.0.2.%d", i)), Owner: owner(i)})
	})
	owned, err := d.Owned(t.Context(), zone)
	require.NoError(t, err)
	require.Len(t, owned, 200)
	for _, i := range []int{0, 99, 199} {
		require.Equal(t, []string{fmt.Sprintf("192.0.2.%d", i)}, server.Dig(t, name(i), "A"))
	}
	inParallel(t, 200, func(i int) error { return d.Remove(t.Context(), zone, name(i), owner(i)) })
	owned, err = d.Owned(t.Context(), zone)
	require.NoError(t, err)
	require.Empty(t, owned)
}

func inParallel(t *testing.T, n int, do func(i int) error) {
	t.Helper()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}
