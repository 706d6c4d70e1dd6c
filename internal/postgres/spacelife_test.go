package postgres_test

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

func TestAskingTwiceIsAskingOnce(t *testing.T) {
	t.Parallel()
	r := space(t)
	ask := postgres.TakeWish{Holder: "project/acme", Ask: "vpn", Site: "lab1", Role: metal.Public, Family: 4, Bits: 30}
	first, err := r.store.Take(t.Context(), ask)
	require.NoError(t, err)
	exact := take("imported/www", "203.0.113.99/32")
	_, err = r.store.Take(t.Context(), exact)
	require.NoError(t, err)
	reserved := r.reserve(wish(1, 29))
	large := r.reserve(wish(2, 26))
	cut := metal.Block{Prefix: prefix("172.16.4.0/24"), Site: "lab1", Role: metal.Management, Purpose: metal.Own, Project: "acme"}
	require.NoError(t, r.store.AddBlock(t.Context(), cut))
	before := r.everything()
	again, err := r.store.Take(t.Context(), ask)
	require.NoError(t, err)
	require.Equal(t, first, again)
	got, err := r.store.Take(t.Context(), exact)
	require.NoError(t, err)
	require.Equal(t, prefix("203.0.113.99/32"), got)
	require.Equal(t, reserved, r.reserve(wish(1, 29)))
	require.Equal(t, large, r.reserve(wish(2, 26)))
	require.NoError(t, r.store.AddBlock(t.Context(), cut))
	require.NoError(t, r.store.AddBlock(t.Context(), metal.Block{Prefix: prefix("203.0.113.0/24"), Site: "lab1", Role: metal.Public, Purpose: metal.Pool}))
	require.Equal(t, before, r.everything())
	r.whole()
}

func TestAddressesRestAsTheirRoleSaysAndAnOperatorCutsItShort(t *testing.T) {
	t.Parallel()
	r := space(t)
	ctx := t.Context()
	require.NoError(t, r.store.SetRest(ctx, metal.Management, 0))
	r.take("imported/bmc", "172.16.0.5/32")
	r.take("imported/www", "203.0.113.5/32")
	for _, p := range []string{"172.16.0.5/32", "203.0.113.5/32"} {
		held, err := r.store.GiveBack(ctx, prefix(p))
		require.NoError(t, err)
		require.True(t, held)
		held, err = r.store.GiveBack(ctx, prefix(p)) // its answer was lost
		require.NoError(t, err)
		require.False(t, held)
	}
	freed, err := r.store.FreeRested(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, freed, "management rests for no time, public for a quarter of an hour")
	r.take("imported/bmc", "172.16.0.5/32")
	_, err = r.store.Take(ctx, take("imported/new", "203.0.113.5/32"))
	require.ErrorIs(t, err, metal.ErrQuarantined)

	who, err := r.store.Who(ctx, netip.MustParseAddr("203.0.113.5"))
	require.NoError(t, err)
	require.Equal(t, metal.Resting, who.State)
	require.Equal(t, 15*time.Minute, who.Until.Sub(who.From))
	require.Equal(t, metal.Holder("imported/www"), who.Before.Holder)

	early, err := r.store.FreeNow(ctx, prefix("203.0.113.5/32"))
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{prefix("203.0.113.5/32")}, early)
	early, err = r.store.FreeNow(ctx, prefix("203.0.113.5/32"))
	require.NoError(t, err)
	require.Empty(t, early)
	r.take("imported/new", "203.0.113.5/32")
	r.whole()
}

func TestAReleasedReservationRestsAndIsOnePieceAgain(t *testing.T) {
	t.Parallel()
	r := space(t)
	ctx, device := t.Context(), r.provisioned()
	one := r.reserve(wanting(1, "203.0.113.128/29"))
	_, err := r.store.AssignPiece(ctx, string(one.ID), prefix("203.0.113.131/32"), device)
	require.NoError(t, err)
	_, err = r.store.UnassignPiece(ctx, string(one.ID), prefix("203.0.113.131/32"))
	require.NoError(t, err)
	ended, err := r.store.Release(ctx, one.ID)
	require.NoError(t, err)
	require.Equal(t, metal.ReservationReleased, ended.State)
	again, err := r.store.Release(ctx, one.ID)
	require.NoError(t, err)
	require.Equal(t, ended, again)
	_, err = r.store.Reserve(ctx, wanting(2, "203.0.113.128/29"))
	require.ErrorIs(t, err, metal.ErrQuarantined)
	r.whole()
	freed, err := r.store.FreeNow(ctx, prefix("203.0.113.0/24"))
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{prefix("203.0.113.128/29")}, freed)
	longest, err := r.store.Queries().LongestFree(ctx, prefix("203.0.113.0/24"))
	require.NoError(t, err)
	require.Equal(t, prefix("203.0.113.0/24"), longest, "buddies are merged again")
	require.NoError(t, r.store.RemoveBlock(ctx, prefix("203.0.113.0/24")))
	require.NoError(t, r.store.RemoveAggregate(ctx, prefix("203.0.113.0/24")))
	r.whole()
}

func TestALargeReservationWaitsForAnOperator(t *testing.T) {
	t.Parallel()
	r := space(t)
	ctx := t.Context()
	for n, bits := range map[int]int{1: 29, 2: 32, 3: 56, 4: 64} {
		require.Equal(t, metal.ReservationCreated, r.reserve(wish(n, bits)).State, "/%d", bits)
	}
	for n, bits := range map[int]int{11: 28, 12: 25, 13: 55, 14: 48} {
		status := r.reserve(wish(n, bits))
		require.Equal(t, metal.ReservationPending, status.State, "/%d", bits)
		require.False(t, status.Prefix.IsValid())
	}
	waiting, err := r.store.Reservations(ctx, "acme", metal.ReservationPending, "lab1")
	require.NoError(t, err)
	require.Len(t, waiting, 4)

	made, err := r.store.Approve(ctx, wish(11, 0).ID)
	require.NoError(t, err)
	require.Equal(t, 28, made.Prefix.Bits())
	again, err := r.store.Approve(ctx, wish(11, 0).ID)
	require.NoError(t, err)
	require.Equal(t, made, again)
	denied, err := r.store.Deny(ctx, wish(12, 0).ID, "a /28 is enough for that")
	require.NoError(t, err)
	require.Equal(t, "a /28 is enough for that", denied.Note)
	_, err = r.store.Approve(ctx, wish(12, 0).ID)
	require.ErrorIs(t, err, metal.ErrWrongState)
	withdrawn, err := r.store.Release(ctx, wish(13, 0).ID)
	require.NoError(t, err)
	require.Equal(t, metal.ReservationReleased, withdrawn.State)

	// What waits counts; and what it would take is looked at again.
	require.NoError(t, r.store.SetQuota(ctx, "acme", "reserved-ipv6", 1<<16+256+1))
	_, err = r.store.Reserve(ctx, wish(15, 64))
	require.ErrorIs(t, err, metal.ErrQuota, "the /48 that waits is counted")
	require.NoError(t, r.store.SetQuota(ctx, "acme", "reserved-ipv6", 300))
	before := r.everything()
	_, err = r.store.Approve(ctx, wish(14, 0).ID)
	require.ErrorIs(t, err, metal.ErrQuota)
	require.Equal(t, before, r.everything(), "it waits on")
	r.whole()
}

func TestFiftyAsksAtOnceKeepTheQuota(t *testing.T) {
	t.Parallel()
	r := space(t)
	require.NoError(t, r.store.SetQuota(t.Context(), "acme", "reserved-ipv4", 20))
	require.NoError(t, r.store.SetQuota(t.Context(), "acme", "public-ipv4", 26))
	var mu sync.Mutex
	var side sync.WaitGroup
	made, refused := 0, 0
	for n := range 50 {
		side.Go(func() {
			_, err := r.store.Reserve(t.Context(), wish(n, 32))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				made++
			case errors.Is(err, metal.ErrQuota):
				refused++
			default:
				t.Error(err)
			}
		})
	}
	side.Wait()
	require.Equal(t, 20, made)
	require.Equal(t, 30, refused)
	quotas, err := r.store.Quotas(t.Context(), "acme")
	require.NoError(t, err)
	require.Equal(t, []metal.Quota{{Project: "acme", Resource: "public-ipv4", Most: 26, Has: 20}, {Project: "acme", Resource: "reserved-ipv4", Most: 20, Has: 20}}, quotas)
	got, took := 0, errors.New("")
	for n := 0; took != nil && n < 9 || n == 0; n++ {
		_, took = r.store.Take(t.Context(), postgres.TakeWish{Holder: "project/acme", Ask: fmt.Sprint(n), Site: "lab1", Role: metal.Public, Family: 4, Bits: 31})
		if took == nil {
			got, took = got+1, errors.New("")
		}
	}
	require.ErrorIs(t, took, metal.ErrQuota)
	require.Equal(t, 3, got, "links and reservations count together")
	r.whole()
}

func TestAProjectTakesOnlyWhereItMay(t *testing.T) {
	t.Parallel()
	r := space(t)
	ctx, pool := t.Context(), prefix("203.0.113.0/24")
	require.NoError(t, r.store.AllowProjects(ctx, pool, "other", "third"))
	require.NoError(t, r.store.AllowProjects(ctx, prefix("198.51.100.0/24"), "other"))
	for what, err := range map[string]error{
		"reserves": func() error { _, err := r.store.Reserve(ctx, wish(1, 30)); return err }(),
		"takes": func() error {
			_, err := r.store.Take(ctx, postgres.TakeWish{Holder: "project/acme", Ask: "x", Site: "lab1", Role: metal.Public, Family: 4, Bits: 30})
			return err
		}(),
	} {
		require.ErrorIs(t, err, metal.ErrNoAddress, what)
		require.ErrorContains(t, err, "allow the project", what)
	}
	theirs := wish(2, 30)
	theirs.Project = "other"
	require.Equal(t, metal.ReservationCreated, r.reserve(theirs).State)
	require.NoError(t, r.store.DisallowProjects(ctx, pool, "other", "third"))
	require.Equal(t, metal.ReservationCreated, r.reserve(wish(1, 30)).State, "an empty list is everybody's")
	r.whole()
}

func TestAReservationOfNoSiteComesFromAnycastAndServesEverySite(t *testing.T) {
	t.Parallel()
	r := space(t)
	device := r.provisioned()
	global := wish(1, 30)
	global.Site = ""
	made := r.reserve(global)
	require.True(t, prefix("192.0.2.0/24").Contains(made.Prefix.Addr()))
	ports, err := r.store.AssignPiece(t.Context(), string(made.ID), made.Prefix, device)
	require.NoError(t, err)
	require.Len(t, ports, 1)
	r.whole()
}
