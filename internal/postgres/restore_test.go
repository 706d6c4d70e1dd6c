package postgres_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

func TestNobodyTouchesWhatIsInDoubtAndRunsGoOnWhenItAgrees(t *testing.T) {
	t.Parallel()
	p := newPast(t, 3, 3)
	ctx := t.Context()
	h, err := p.claim(ctx, p.devices[0])
	require.NoError(t, err)
	_, err = p.store.SetPorts(ctx, h.Claim, metal.Parked)
	require.NoError(t, err)
	p.committed()
	booting, err := p.store.BootAgent(ctx, metal.NextBoot{Claim: h.Claim, Attempt: 1, Job: metal.JobErase, Run: "device/x"})
	require.NoError(t, err)
	token := []byte("a hash of 32 bytes, or so it says")
	require.NoError(t, p.store.IssueToken(ctx, h.Claim.Machine, booting.Number, token))
	agreed := p.active(p.devices[1])

	r := p.restored()
	require.Equal(t, 3, r.Machines)
	require.Equal(t, 2, r.Switches)
	for what, touch := range map[string]func() error{
		"park": func() error { _, err := p.store.SetPorts(ctx, h.Claim, metal.Parked); return err },
		"boot": func() error {
			_, err := p.store.BootAgent(ctx, metal.NextBoot{Claim: h.Claim, Attempt: 2, Job: metal.JobErase, Run: "device/x"})
			return err
		},
		"power":   func() error { _, err := p.store.HeldMachine(ctx, h.Claim); return err },
		"release": func() error { _, err := p.store.ReleaseMachine(ctx, h.Claim, 0, metal.Ending{}); return err },
		"recover": func() error {
			_, err := p.store.ClaimDevice(ctx, metal.ClaimWish{Device: p.devices[0], Action: metal.ActionRecover})
			return err
		},
		"deprovision": func() error {
			_, err := p.store.ClaimDevice(ctx, metal.ClaimWish{Device: p.devices[1], Action: metal.ActionDeprovision})
			return err
		},
		"give": func() error { _, err := p.store.ClaimMachine(ctx, p.devices[2], ""); return err },
		"aside": func() error {
			_, err := p.store.ClaimAside(ctx, free(p), "machine/x", metal.ForCommission)
			return err
		},
		"commit": func() error { _, err := p.store.PendingPorts(ctx, h.Port.Switch); return err },
	} {
		err := touch()
		require.ErrorContains(t, err, "the database was restored", what)
		require.NotErrorIs(t, err, metal.ErrStaleClaim, what)
	}
	job, err := p.store.TakeJob(ctx, h.Claim.Machine, booting.Number, token)
	require.NoError(t, err)
	require.Equal(t, metal.JobWait, job.Job, "an agent is told to erase nothing")
	require.ErrorIs(t, p.store.IssueToken(ctx, h.Claim.Machine, booting.Number, token), metal.ErrStaleClaim)
	boots, err := p.store.BootMachine(ctx, agreed.Claim.Machine)
	require.NoError(t, err)
	require.Nil(t, boots.Tenancy, "nobody is told who is on a machine that may be another's")
	boots, err = p.store.BootMachine(ctx, h.Claim.Machine)
	require.NoError(t, err)
	require.False(t, boots.Intent.Agent, "it boots its disk")

	require.Equal(t, metal.Surveyed{Agreed: 3}, p.look())
	require.Empty(t, p.calls())
	r, err = p.store.Restored(ctx)
	require.NoError(t, err)
	require.NotZero(t, r.Over)
	_, err = p.store.HeldMachine(ctx, h.Claim)
	require.NoError(t, err, "the run goes on under the claim that it had")
	job, err = p.store.TakeJob(ctx, h.Claim.Machine, booting.Number, token)
	require.NoError(t, err)
	require.Equal(t, metal.JobErase, job.Job)
	got, err := p.claim(ctx, p.devices[2])
	require.NoError(t, err)
	booting, err = p.store.BootAgent(ctx, metal.NextBoot{Claim: got.Claim, Attempt: 1, Job: metal.JobInstall, Run: "device/y"})
	require.NoError(t, err)
	require.GreaterOrEqual(t, got.Claim.Epoch, int64(1_000_000), "and so had claims")
	require.GreaterOrEqual(t, booting.Number, metal.BootNumber(1_000_000), "boots after the backup had the numbers between")
	p.whole()
}

func TestAMachineThatRoutesAStrangerIsTakenAsideWithItsAddresses(t *testing.T) {
	t.Parallel()
	p := newPast(t, 2, 3)
	ctx := t.Context()
	stranger := netip.MustParsePrefix("198.51.100.64/31")
	before := p.active(p.devices[0])
	had := p.leases(p.devices[0])
	idle := p.machine(free(p))
	port := metal.Port{Switch: metal.SwitchID(idle.Switch), Name: idle.Port}
	// Since the backup the first device was deleted, its machine given to somebody
	// with a new address and one that rested, and the other machine, too.
	p.carried[before.Port] = metal.Carried{Port: before.Port, Words: "millwright m 99999999-9999-4999-8999-999999999999",
		Prefixes: []netip.Prefix{p.intents()[before.Port].Install.Prefix, stranger}}
	p.carry(port, "88888888-8888-4888-8888-888888888888", had[0])

	p.restored()
	require.Equal(t, 0, p.look().Agreed)
	require.Equal(t, []metal.CallKind{metal.AddressHeld, metal.AddressHeld, metal.DeviceGone, metal.MachineAside, metal.MachineAside}, p.kinds())
	for _, id := range []metal.MachineID{before.Claim.Machine, metal.MachineID(idle.ID)} {
		m := p.machine(id)
		require.Equal(t, string(metal.Quarantined), m.State)
		require.True(t, m.Dirty)
		require.Nil(t, m.Device)
		issues, err := p.store.Issues(ctx, id)
		require.NoError(t, err)
		require.Len(t, issues, 1)
		require.Equal(t, metal.RestoredDifferently, issues[0].Kind)
	}
	_, err := p.store.HeldMachine(ctx, before.Claim)
	require.ErrorIs(t, err, metal.ErrStaleClaim)
	for _, i := range p.intents() {
		change, err := p.store.PendingPorts(ctx, i.Port.Switch)
		require.NoError(t, err)
		require.Empty(t, change.Ports, "what a port carries it goes on carrying")
	}
	require.Equal(t, string(metal.Failed), p.device(p.devices[0]).State)
	require.Empty(t, p.leases(p.devices[0]))
	for _, held := range []netip.Prefix{stranger, had[0]} {
		require.Contains(t, holderOf(p, held), "imported/restored/")
	}
	_, err = p.store.ClaimMachine(ctx, p.devices[1], "")
	require.ErrorIs(t, err, metal.ErrNoMachine)
	p.whole()

	// A person ends what is left of the stranger: the port is parked anew.
	claim, err := p.store.ClaimAside(ctx, metal.MachineID(idle.ID), "machine/x", metal.ForCommission)
	require.NoError(t, err)
	want, err := p.store.SetPorts(ctx, claim.Claim, metal.Parked)
	require.NoError(t, err)
	change, err := p.store.PendingPorts(ctx, port.Switch)
	require.NoError(t, err)
	require.Len(t, change.Ports, 1)
	require.Equal(t, want[0].Generation, change.Ports[0].Generation)
	issues, err := p.store.Issues(ctx, metal.MachineID(idle.ID))
	require.NoError(t, err)
	require.Empty(t, issues, "who commissions it has decided whose it is")
	held, err := p.store.GiveBack(ctx, had[0])
	require.NoError(t, err)
	require.True(t, held)
}

func TestADeviceWhosePortIsParkedIsCalledOutAndChargedNoFurther(t *testing.T) {
	t.Parallel()
	p := newPast(t, 1, 1)
	h := p.active(p.devices[0])
	p.exec("update usages set started_at = started_at - interval '3 hours'")
	p.carried[h.Port] = metal.Carried{Port: h.Port, Words: "millwright m parked", Prefixes: p.carried[h.Port].Prefixes[:1]}
	p.on[h.Claim.Machine] = false
	r := p.restored()
	p.look()
	require.Equal(t, []metal.CallKind{metal.DeviceGone, metal.MachineAside}, p.kinds())
	require.Equal(t, string(metal.Failed), p.device(p.devices[0]).State)
	var until time.Time
	p.row("select ended_at from usages", &until)
	require.WithinDuration(t, r.Since, until, time.Second, "nobody knows that it was used after the backup")
	p.whole()
}

func TestAnInstallThatHasEndedSinceIsNotDoneAgain(t *testing.T) {
	t.Parallel()
	p := newPast(t, 1, 1)
	h, err := p.claim(t.Context(), p.devices[0])
	require.NoError(t, err)
	p.carry(h.Port, p.devices[0], p.leases(p.devices[0])...)
	p.on[h.Claim.Machine] = true
	p.restored()
	p.look()
	require.Equal(t, []metal.CallKind{metal.InstalledSince}, p.kinds())
	require.Equal(t, string(metal.Active), p.device(p.devices[0]).State)
	require.Equal(t, string(metal.Occupied), p.machine(h.Claim.Machine).State)
	_, err = p.store.BootAgent(t.Context(), metal.NextBoot{Claim: h.Claim, Attempt: 1, Job: metal.JobInstall, Run: "device/x"})
	require.ErrorIs(t, err, metal.ErrStaleClaim)
	change, err := p.store.PendingPorts(t.Context(), h.Port.Switch)
	require.NoError(t, err)
	require.Len(t, change.Ports, 1, "what the switch has is read back")
	require.Equal(t, metal.Tenant, change.Ports[0].Profile)
	p.whole()
}

// A deprovision was under way, and by now somebody else lives on the machine.
func TestWhatWasToGoGoesWithoutTheMachineThatAnotherHas(t *testing.T) {
	t.Parallel()
	p := newPast(t, 1, 1)
	ctx := t.Context()
	p.active(p.devices[0])
	h, err := p.store.ClaimDevice(ctx, metal.ClaimWish{Device: p.devices[0], Action: metal.ActionDeprovision})
	require.NoError(t, err)
	p.carried[h.Port] = metal.Carried{Port: h.Port, Words: "millwright m 99999999-9999-4999-8999-999999999999",
		Prefixes: []netip.Prefix{p.intents()[h.Port].Install.Prefix, p.leases(p.devices[0])[0]}}
	p.restored()
	p.look()
	require.Contains(t, p.kinds(), metal.DeviceGone)
	_, err = p.store.HeldMachine(ctx, h.Claim)
	require.ErrorIs(t, err, metal.ErrStaleClaim, "or it would be erased")
	h, err = p.store.ClaimDevice(ctx, metal.ClaimWish{Device: p.devices[0], Action: metal.ActionRecover})
	require.NoError(t, err)
	require.Empty(t, h.Claim.Machine)
	_, err = p.store.ReleaseMachine(ctx, h.Claim, 0, metal.Ending{State: metal.Deleted})
	require.NoError(t, err)
	require.Equal(t, string(metal.Deleted), p.device(p.devices[0]).State)
	p.whole()
}

func TestAnOrderWhoseDeviceIsOnAPortAlreadyGetsNoSecondMachine(t *testing.T) {
	t.Parallel()
	p := newPast(t, 2, 1)
	m := p.machine(free(p))
	p.carry(metal.Port{Switch: metal.SwitchID(m.Switch), Name: m.Port}, p.devices[0], netip.MustParsePrefix("198.51.100.8/31"))
	p.restored()
	p.look()
	require.Equal(t, []metal.CallKind{metal.AddressHeld, metal.DeviceGone, metal.MachineAside}, p.kinds())
	_, err := p.store.ClaimMachine(t.Context(), p.devices[0], "")
	require.ErrorIs(t, err, metal.ErrWrongState)
	p.whole()
}

func TestADarkSwitchKeepsItsMachinesAndTheSitesAddresses(t *testing.T) {
	t.Parallel()
	p := newPast(t, 4, 3)
	ctx := t.Context()
	h := p.active(p.devices[0])
	dark := metal.SwitchID("tor-r2")
	if h.Port.Switch == dark {
		dark = "tor-r1"
	}
	p.restored()
	require.Equal(t, metal.Surveyed{Agreed: 2, Doubt: 3}, p.look(dark))
	_, err := p.store.ClaimDevice(ctx, metal.ClaimWish{Device: p.devices[0], Action: metal.ActionDeprovision})
	require.NoError(t, err, "what stands on a switch that was read goes on")
	_, err = p.store.ClaimMachine(ctx, p.devices[1], "")
	require.ErrorContains(t, err, "the database was restored", "the dark switch may route the address that it would get")
	_, err = p.store.Take(ctx, postgres.TakeWish{Holder: "imported/www", Prefix: netip.MustParsePrefix("198.51.100.128/32")})
	require.ErrorContains(t, err, "the database was restored", "nor does anybody else get an address")
	left, err := p.store.StillDoubted(ctx)
	require.NoError(t, err)
	require.Equal(t, postgres.StillDoubted{Switch: dark, Site: "lab1", Why: "no route to host"}, left[0])
	require.Len(t, left, 3)
	require.Equal(t, metal.Surveyed{Agreed: 2}, p.look())
	_, err = p.claim(ctx, p.devices[1])
	require.NoError(t, err)
}

func TestNumbersThatAreKnownOutsideDoNotComeAgain(t *testing.T) {
	t.Parallel()
	p := newPast(t, 1, 1)
	p.active(p.devices[0])
	var before, after int64
	p.row("select max(id) from usages", &before)
	p.restored()
	p.look()
	_, err := p.store.ClaimDevice(t.Context(), metal.ClaimWish{Device: p.devices[0], Action: metal.ActionDeprovision})
	require.NoError(t, err)
	p.exec("update devices set state = 'active'")
	p.row("select max(id) from usages", &after)
	require.Greater(t, after, before+900_000)
	p.row("select max(id) from events", &after)
	require.Greater(t, after, int64(900_000))
}

// What was erased before a restore may have had a tenant since.
func TestAnErasureBeforeARestoreProvesNothing(t *testing.T) {
	t.Parallel()
	p := newPast(t, 1, 1)
	p.exec("insert into erasures (machine, boot, proof) select id, 0, 'every disk' from machines")
	p.restored()
	p.look()
	h, err := p.claim(t.Context(), p.devices[0])
	require.NoError(t, err)
	require.False(t, h.Erased)
	booting, err := p.store.BootAgent(t.Context(), metal.NextBoot{Claim: h.Claim, Attempt: 1, Job: metal.JobInstall, Run: "device/x"})
	require.NoError(t, err)
	token := []byte("a hash of 32 bytes, or so it says")
	require.NoError(t, p.store.IssueToken(t.Context(), h.Claim.Machine, booting.Number, token))
	job, err := p.store.TakeJob(t.Context(), h.Claim.Machine, booting.Number, token)
	require.NoError(t, err)
	require.Equal(t, metal.EraseFull, job.Erase)
}

func TestAnAgentThatNamesALaterBootGivesItsMachineAway(t *testing.T) {
	t.Parallel()
	p := newPast(t, 1, 1)
	h, err := p.claim(t.Context(), p.devices[0])
	require.NoError(t, err)
	p.on[h.Claim.Machine] = true
	p.restored()
	_, err = p.store.TakeJob(t.Context(), h.Claim.Machine, 7, []byte("a token of a boot that nobody here numbered"))
	require.ErrorIs(t, err, metal.ErrStaleClaim)
	p.look()
	require.Contains(t, p.kinds(), metal.MachineAside)
	require.Contains(t, p.machine(h.Claim.Machine).Reason, "boot 7")
}
