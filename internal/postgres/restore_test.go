package postgres_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
)

// past is a crowd whose database is about to be of an earlier moment: what the
// switches and BMCs of its site will say stands beside it.
type past struct {
	*crowd
	carried map[metal.Port]metal.Carried
	on      map[metal.MachineID]bool
}

func newPast(t *testing.T, machines, devices int) *past {
	t.Helper()
	p := &past{crowd: newCrowd(t, machines, devices), carried: map[metal.Port]metal.Carried{}, on: map[metal.MachineID]bool{}}
	intents := p.intents()
	for port, i := range intents {
		p.carried[port] = metal.Carried{Port: port, Words: "millwright " + string(i.Machine) + " parked", Prefixes: []netip.Prefix{i.Install.Prefix}}
	}
	return p
}

func (p *past) intents() map[metal.Port]metal.PortIntent {
	p.t.Helper()
	all := map[metal.Port]metal.PortIntent{}
	switches, err := p.store.Switches(p.t.Context())
	require.NoError(p.t, err)
	for _, sw := range switches {
		ports, err := p.store.PortIntents(p.t.Context(), sw.ID, nil)
		require.NoError(p.t, err)
		for _, port := range ports {
			all[port.Port] = port
		}
	}
	return all
}

// carry has a port route prefixes to a device, in the world.
func (p *past) carry(port metal.Port, device metal.DeviceID, prefixes ...netip.Prefix) {
	c := p.carried[port]
	c.Words, c.Prefixes = "millwright m "+string(device), append(c.Prefixes, prefixes...)
	p.carried[port] = c
}

// active provisions a device as far as the database goes, and has the world
// agree.
func (p *past) active(device metal.DeviceID) metal.Holding {
	p.t.Helper()
	h, err := p.claim(p.t.Context(), device)
	require.NoError(p.t, err)
	_, err = p.store.SetPorts(p.t.Context(), h.Claim, metal.Tenant)
	require.NoError(p.t, err)
	p.committed()
	require.NoError(p.t, p.store.ActivateDevice(p.t.Context(), h.Claim, metal.Ending{State: metal.Active}))
	p.carry(h.Port, device, p.leases(device)...)
	p.on[h.Claim.Machine] = true
	return h
}

// committed has the switches take whatever is intended.
func (p *past) committed() {
	p.t.Helper()
	for _, i := range p.intents() {
		require.NoError(p.t, p.store.PortsCommitted(p.t.Context(), i.Port.Switch, metal.Change{Ports: []metal.PortIntent{i}}, metal.Committed{}))
	}
}

func (p *past) leases(device metal.DeviceID) (all []netip.Prefix) {
	p.t.Helper()
	rows, err := p.store.Queries().LeasesOfDevice(p.t.Context(), string(device))
	require.NoError(p.t, err)
	for _, l := range rows {
		all = append(all, l.Prefix)
	}
	return all
}

func (p *past) restored() metal.Restored {
	p.t.Helper()
	r, err := p.store.NoteRestore(p.t.Context(), time.Now().Add(-time.Hour), "the test")
	require.NoError(p.t, err)
	return r
}

// look is what a survey's activity does, but for switches that are dark.
func (p *past) look(dark ...metal.SwitchID) metal.Surveyed {
	p.t.Helper()
	ctx := p.t.Context()
	doubt, err := p.store.Doubt(ctx, "lab1")
	require.NoError(p.t, err)
	for _, sw := range doubt.Switches {
		if slices.Contains(dark, sw.ID) {
			require.NoError(p.t, p.store.NoteDark(ctx, sw.ID, "no route to host"))
			continue
		}
		var ports []metal.Carried
		for at, c := range p.carried {
			if at.Switch == sw.ID {
				ports = append(ports, c)
			}
		}
		require.NoError(p.t, p.store.KeepCarried(ctx, sw.ID, ports))
	}
	for _, m := range doubt.Machines {
		f := metal.FoundPower{Machine: m.Machine, Power: metal.Off}
		if p.on[m.Machine] {
			f.Power = metal.On
		}
		require.NoError(p.t, p.store.KeepFoundPower(ctx, f))
	}
	s, err := p.store.JudgeSite(ctx, "lab1", 0, 3)
	require.NoError(p.t, err)
	return s
}

// calls are what was called out, but for what merely goes on.
func (p *past) calls() (all []metal.Called) {
	p.t.Helper()
	r, err := p.store.Restored(p.t.Context())
	require.NoError(p.t, err)
	called, err := p.store.SurveyCalls(p.t.Context(), r.ID)
	require.NoError(p.t, err)
	return slices.DeleteFunc(called, func(c metal.Called) bool { return c.Kind == metal.GoesOn })
}

func (p *past) kinds() (all []metal.CallKind) {
	for _, c := range p.calls() {
		all = append(all, c.Kind)
	}
	slices.Sort(all)
	return all
}

func (p *past) machine(id metal.MachineID) query.GetMachineRow {
	p.t.Helper()
	m, err := p.store.Queries().GetMachine(p.t.Context(), string(id))
	require.NoError(p.t, err)
	return m
}

func (p *past) device(id metal.DeviceID) query.Device {
	p.t.Helper()
	d, err := p.store.Queries().GetDevice(p.t.Context(), string(id))
	require.NoError(p.t, err)
	return d
}

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

// free is a machine that nobody has.
func free(p *past) metal.MachineID {
	rows, err := p.store.Queries().ListMachines(p.t.Context())
	require.NoError(p.t, err)
	at := slices.IndexFunc(rows, func(m query.ListMachinesRow) bool { return m.State == string(metal.Idle) })
	require.GreaterOrEqual(p.t, at, 0)
	return metal.MachineID(rows[at].ID)
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

func holderOf(p *past, prefix netip.Prefix) string {
	p.t.Helper()
	rows, err := p.store.Queries().PieceOver(p.t.Context(), prefix.Addr())
	require.NoError(p.t, err)
	require.Len(p.t, rows, 1)
	require.NotNil(p.t, rows[0].Holder, "%s is nobody's", prefix)
	return *rows[0].Holder
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

func (p *past) exec(sql string) {
	p.t.Helper()
	require.NoError(p.t, p.store.Exec(p.t.Context(), sql))
}

func (p *past) row(sql string, into any) {
	p.t.Helper()
	require.NoError(p.t, p.store.Row(p.t.Context(), sql, into))
}
