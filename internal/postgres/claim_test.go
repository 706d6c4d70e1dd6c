package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
	"millwright/internal/stack/pgtest"
)

// crowd is a site of machines, and more devices than machines that want one.
type crowd struct {
	t       *testing.T
	store   *postgres.Store
	devices []metal.DeviceID
}

func newCrowd(t *testing.T, machines, devices int) *crowd {
	t.Helper()
	store, err := postgres.Open(t.Context(), pgtest.Database(t, postgres.Migrate))
	require.NoError(t, err)
	t.Cleanup(store.Close)
	site, err := lab.Generate(lab.Size{Name: "lab1", Machines: machines, Racks: 2, Net: 64})
	require.NoError(t, err)
	_, err = store.ImportSite(t.Context(), site)
	require.NoError(t, err)
	c := &crowd{t: t, store: store}
	for i := range devices {
		order, err := metal.ParseOrder(metal.OrderID(fmt.Sprintf("o%d", i)),
			[]byte(`{"action":"provision","project":"acme","site":"lab1","plan":"c1.small","operating_system":"debian_12"}`))
		require.NoError(t, err)
		_, err = store.RecordOrder(t.Context(), order)
		require.NoError(t, err)
		c.devices = append(c.devices, order.Device)
	}
	return c
}

// claim tries as Temporal would: weather is tried again.
func (c *crowd) claim(ctx context.Context, device metal.DeviceID) (metal.Holding, error) {
	for {
		h, err := c.store.ClaimMachine(ctx, device, "")
		if err == nil || errors.Is(err, metal.ErrNoMachine) || errors.Is(err, metal.ErrWrongState) || ctx.Err() != nil {
			return h, err
		}
	}
}

func TestAHundredClaimsAtOnceDoubleNothing(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 60, 100)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var mu sync.Mutex
	machines, empty := map[metal.MachineID]metal.DeviceID{}, 0
	var side sync.WaitGroup
	for _, device := range c.devices {
		side.Go(func() {
			h, err := c.claim(ctx, device)
			again, _ := c.claim(ctx, device) // a repeat finds the same machine, or none again
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, metal.ErrNoMachine):
				empty++
			case err != nil || again.Claim.Machine != h.Claim.Machine || again.Claim.Epoch <= h.Claim.Epoch || machines[h.Claim.Machine] != "":
				t.Errorf("device %s got %v, then %v: %v", device, h.Claim, again.Claim, err)
			default:
				machines[h.Claim.Machine] = device
			}
		})
	}
	side.Wait()
	require.Len(t, machines, 60)
	require.Equal(t, 40, empty)
	c.whole()
}

func TestClaimsAndReleasesAtRandomLoseNoAddress(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 20, 40)
	for _, role := range []string{"public", "private"} {
		require.NoError(t, c.store.Queries().SetRest(t.Context(), query.SetRestParams{Role: role}))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var side sync.WaitGroup
	for i, device := range c.devices {
		side.Go(func() {
			dice := rand.New(rand.NewPCG(7, uint64(i)))
			for h, err := c.claim(ctx, device); err != nil; h, err = c.claim(ctx, device) {
				if dice.IntN(2) == 0 { // an answer that was lost, and a release for nothing
					_, _ = c.store.ReleaseMachine(ctx, h.Claim, 0, metal.Ending{State: metal.Provisioning})
				}
				if ctx.Err() != nil {
					return
				}
			}
			h, _ := c.claim(ctx, device)
			if _, err := c.store.ReleaseMachine(ctx, h.Claim, 0, metal.Ending{State: metal.Deleted}); err != nil {
				t.Error(err)
			}
			if _, err := c.store.FreeRested(ctx); err != nil && ctx.Err() == nil {
				t.Log(err) // weather: the next one takes it along
			}
		})
	}
	side.Wait()
	require.NoError(t, ctx.Err())
	_, err := c.store.FreeRested(ctx)
	require.NoError(t, err)
	c.whole()
	use, err := c.store.Queries().AddressUse(ctx)
	require.NoError(t, err)
	for _, b := range use {
		if b.Role != "install" {
			require.Zero(t, b.Held+b.Quarantined, "block %s", b.Prefix)
		}
	}
	whole := netip.MustParsePrefix("198.51.100.0/24")
	longest, err := c.store.Queries().LongestFree(ctx, whole)
	require.NoError(t, err)
	require.Equal(t, whole, longest, "buddies are merged again")
}

// whole requires that free and leased space make up each block, and that
// nothing is held for nobody.
func (c *crowd) whole() {
	c.t.Helper()
	leaks, err := c.store.Leaks(c.t.Context())
	require.NoError(c.t, err)
	require.Empty(c.t, leaks)
}

func TestAStaleClaimWritesNothing(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 1)
	ctx := t.Context()
	stale, err := c.claim(ctx, c.devices[0])
	require.NoError(t, err)
	now, err := c.claim(ctx, c.devices[0])
	require.NoError(t, err)
	for what, write := range map[string]func(metal.Claim) error{
		"park": func(claim metal.Claim) error { _, err := c.store.SetPorts(ctx, claim, metal.Tenant); return err },
		"boot": func(claim metal.Claim) error {
			_, err := c.store.BootAgent(ctx, metal.NextBoot{Claim: claim, Attempt: 1, Job: metal.JobInstall, Run: "device/x"})
			return err
		},
		"leave": func(claim metal.Claim) error { return c.store.BootDisk(ctx, claim, 1) },
		"power": func(claim metal.Claim) error { _, err := c.store.HeldMachine(ctx, claim); return err },
		"activate": func(claim metal.Claim) error {
			return c.store.ActivateDevice(ctx, claim, metal.Ending{State: metal.Active})
		},
	} {
		require.ErrorIs(t, write(stale.Claim), metal.ErrStaleClaim, what)
	}
	dirty, err := c.store.ReleaseMachine(ctx, stale.Claim, 0, metal.Ending{State: metal.Failed})
	require.NoError(t, err)
	require.False(t, dirty)
	require.NoError(t, c.store.QuarantineMachine(ctx, metal.Quarantine{Claim: stale.Claim, Reason: "a ghost"}))
	_, err = c.store.HeldMachine(ctx, now.Claim)
	require.NoError(t, err, "what a ghost does, nobody feels")
}

// An agent takes its job at the very moment when the run gives it up: either
// the machine is dirty and stays, or it goes to the pool and the agent gets
// nothing.
func TestAJobIsHandedOutOrTheMachineReleasedNeverBoth(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 30, 30)
	ctx := t.Context()
	var side sync.WaitGroup
	for _, device := range c.devices {
		h, err := c.claim(ctx, device)
		require.NoError(t, err)
		booting, err := c.store.BootAgent(ctx, metal.NextBoot{Claim: h.Claim, Attempt: 1, Job: metal.JobInstall, Run: "device/" + string(device)})
		require.NoError(t, err)
		token := []byte("a hash of 32 bytes, or so it says")
		boot := booting.Number
		require.NoError(t, c.store.IssueToken(ctx, h.Claim.Machine, boot, token))
		var taken, dirty error
		var soiled bool
		side.Go(func() { _, taken = c.store.TakeJob(ctx, h.Claim.Machine, boot, token) })
		side.Go(func() { soiled, dirty = c.store.ReleaseMachine(ctx, h.Claim, 0, metal.Ending{State: metal.Failed}) })
		side.Wait()
		require.NoError(t, dirty)
		require.Equal(t, taken == nil, soiled, "machine %s: job %v, released %v", h.Claim.Machine, taken, !soiled)
	}
}
