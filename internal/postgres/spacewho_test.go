package postgres_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/ipam"
	"millwright/internal/metal"
)

func TestWhoHeldAnAddressAtAnyMomentCanBeTold(t *testing.T) {
	t.Parallel()
	r := space(t)
	ctx := t.Context()
	one, two := r.provisioned(), r.second("acme")
	addr := netip.MustParseAddr("203.0.113.130")
	moments := []time.Time{r.now()}
	step := func() { moments = append(moments, r.now()) }
	id := r.reserve(wanting(1, "203.0.113.128/29")).ID
	step() // 1: reserved
	_, err := r.store.AssignPiece(ctx, string(id), prefix("203.0.113.130/32"), one)
	require.NoError(t, err)
	step() // 2: of one
	_, err = r.store.AssignPiece(ctx, string(id), prefix("203.0.113.130/32"), two)
	require.NoError(t, err)
	step() // 3: of two
	_, err = r.store.UnassignPiece(ctx, string(id), prefix("203.0.113.130/32"))
	require.NoError(t, err)
	step() // 4: reserved again
	_, err = r.store.Release(ctx, id)
	require.NoError(t, err)
	step() // 5: at rest
	_, err = r.store.FreeNow(ctx, prefix("203.0.113.128/29"))
	require.NoError(t, err)
	r.take("imported/later", "203.0.113.128/28")

	for i, want := range []struct {
		state   metal.PieceState
		holder  metal.Holder
		project metal.ProjectID
	}{
		{metal.Free, "", ""}, {metal.Free, "", "acme"}, {metal.Held, "device/" + metal.Holder(one), "acme"},
		{metal.Held, "device/" + metal.Holder(two), "acme"}, {metal.Free, "", "acme"}, {metal.Free, "", ""},
	} {
		who, err := r.store.WhoAt(ctx, addr, moments[i])
		require.NoError(t, err)
		require.Equal(t, want.state, who.State, "moment %d", i)
		require.Equal(t, want.holder, who.Holder, "moment %d", i)
		require.Equal(t, want.project, who.Project, "moment %d", i)
	}
	rest, err := r.store.WhoAt(ctx, addr, moments[5])
	require.NoError(t, err)
	require.Equal(t, metal.Holder("device/"+string(two)), rest.Before.Holder)
	now, err := r.store.WhoAt(ctx, addr, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, metal.Holder("imported/later"), now.Holder)
	require.Equal(t, prefix("203.0.113.128/28"), now.Prefix)
	_, err = r.store.Who(ctx, netip.MustParseAddr("9.9.9.9"))
	require.ErrorContains(t, err, "no aggregate has it; it is not ours")
}

func TestWhoKnowsTheMachineTheProjectAndTheReservation(t *testing.T) {
	t.Parallel()
	r := space(t)
	device := r.provisioned()
	id := r.reserve(wanting(1, "203.0.113.128/29")).ID
	_, err := r.store.AssignPiece(t.Context(), string(id), prefix("203.0.113.128/30"), device)
	require.NoError(t, err)
	who, err := r.store.Who(t.Context(), netip.MustParseAddr("::ffff:203.0.113.129"))
	require.NoError(t, err)
	require.Equal(t, metal.MachineID("m1"), who.Machine)
	require.Equal(t, metal.ProjectID("acme"), who.Project)
	require.Equal(t, id, who.Reservation)
	require.Equal(t, metal.SiteID("lab1"), who.Site)
	require.Equal(t, metal.Holder("device/"+string(device)), who.Holder)
	link, err := r.store.Who(t.Context(), netip.MustParseAddr("127.64.128.1"))
	require.NoError(t, err)
	require.Equal(t, metal.Holder("port/tor-r1:xe-0/0/1"), link.Holder)
	require.Equal(t, metal.Install, link.Role)
	six, err := r.store.Who(t.Context(), netip.MustParseAddr("2001:db8:64ff::1"))
	require.NoError(t, err)
	require.Equal(t, metal.Free, six.State)

	r.take("project/acme", "203.0.113.7/32")
	held, err := r.store.HeldBy(t.Context(), "project/acme")
	require.NoError(t, err)
	has := map[string]metal.Purpose{}
	for _, h := range held {
		has[h.Prefix.String()+" "+string(h.Holder)] = h.Purpose
	}
	dev := "device/" + string(device)
	require.Equal(t, metal.Reservation, has["203.0.113.128/29 "])
	require.Equal(t, metal.Reservation, has["203.0.113.128/30 "+dev])
	require.Equal(t, metal.Pool, has["203.0.113.7/32 project/acme"])
	require.Equal(t, metal.Pool, has["198.51.100.0/31 "+dev])
	require.Len(t, held, 8, "three blocks of acme's, three links, a part of a reservation, and what it took")
	mine, err := r.store.HeldBy(t.Context(), metal.Holder(dev))
	require.NoError(t, err)
	require.Len(t, mine, 4)
}

// Two ways to count: from every piece that was read, and from what Postgres
// adds up.
func TestWhatPostgresAddsUpIsWhatASnapshotCounts(t *testing.T) {
	t.Parallel()
	r, _ := inUse(t)
	ctx := t.Context()
	r.reserve(wish(2, 56))
	r.reserve(wish(3, 64))
	require.NoError(t, r.store.AddAggregate(ctx, metal.Aggregate{Prefix: prefix("198.51.0.0/16"), Registry: "ripe"}))
	_, err := r.store.CutBlock(ctx, metal.Block{Parent: prefix("198.51.0.0/16"), Site: "lab1", Role: metal.Loopback}, 26)
	require.NoError(t, err)
	shot, err := r.store.Snapshot(ctx, netip.Prefix{})
	require.NoError(t, err)
	for _, by := range []ipam.By{ipam.ByAggregate, ipam.ByBlock, ipam.ByRole, ipam.BySite, ipam.ByProject} {
		got, err := r.store.Use(ctx, by)
		require.NoError(t, err)
		want := ipam.Uses(shot, by)
		require.Len(t, got, len(want), by)
		for i := range want {
			got[i].PerDay = 0
			require.InEpsilon(t, want[i].Total, got[i].Total, 1e-12, "%s %s", by, want[i].Of)
			require.InDelta(t, want[i].Free, got[i].Free, want[i].Total*1e-12, "%s %s", by, want[i].Of)
			require.InDelta(t, want[i].Held, got[i].Held, want[i].Total*1e-12, "%s %s", by, want[i].Of)
			require.Equal(t, want[i].Resting, got[i].Resting, "%s %s", by, want[i].Of)
			require.Equal(t, want[i].LongestFree, got[i].LongestFree, "%s %s", by, want[i].Of)
			require.Equal(t, want[i].Of, got[i].Of)
		}
	}
}

func TestGrowthIsWhatIsHeldNowLessWhatWasHeldAWeekAgo(t *testing.T) {
	t.Parallel()
	r := space(t)
	ctx := t.Context()
	for _, p := range []string{"203.0.113.1/32", "203.0.113.2/32", "203.0.113.16/28", "203.0.113.32/28"} {
		r.take("project/acme", p)
	}
	// Two were taken long ago, and one that was had then has ended since.
	r.exec("update pieces set taken_at = now() - interval '30 days' where prefix in ('203.0.113.1/32', '203.0.113.16/28')")
	r.take("project/acme", "203.0.113.8/31")
	r.exec("update pieces set taken_at = now() - interval '8 days' where prefix = '203.0.113.8/31'")
	_, err := r.store.GiveBack(ctx, prefix("203.0.113.8/31"))
	require.NoError(t, err)
	// One came and went within the week: it was not there then, and is not now.
	r.take("project/acme", "203.0.113.10/31")
	_, err = r.store.GiveBack(ctx, prefix("203.0.113.10/31"))
	require.NoError(t, err)
	r.reserve(wanting(1, "203.0.113.128/29"))
	for by, of := range map[ipam.By]string{ipam.ByBlock: "203.0.113.0/24", ipam.ByRole: "public", ipam.ByAggregate: "203.0.113.0/24"} {
		uses, err := r.store.Use(ctx, by)
		require.NoError(t, err)
		require.InDelta(t, (16+1-2+8)/7.0, useOf(uses, of).PerDay, 1e-9, by)
	}
	uses, err := r.store.Use(ctx, ipam.ByProject)
	require.NoError(t, err)
	require.InDelta(t, (16+1-2)/7.0, useOf(uses, "acme").PerDay, 1e-9, "what a project has reserved is its own to fill")
	use := useOf(uses, "acme")
	days, grows := use.DaysLeft()
	require.True(t, grows)
	require.InDelta(t, use.Free/(15/7.0), days, 1e-9)
}

func useOf(uses []metal.Use, of string) metal.Use {
	for _, u := range uses {
		if u.Of == of && u.Family == 4 {
			return u
		}
	}
	return metal.Use{}
}
