package postgres_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
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

// free is a machine that nobody has.
func free(p *past) metal.MachineID {
	rows, err := p.store.Queries().ListMachines(p.t.Context())
	require.NoError(p.t, err)
	at := slices.IndexFunc(rows, func(m query.ListMachinesRow) bool { return m.State == string(metal.Idle) })
	require.GreaterOrEqual(p.t, at, 0)
	return metal.MachineID(rows[at].ID)
}

func holderOf(p *past, prefix netip.Prefix) string {
	p.t.Helper()
	rows, err := p.store.Queries().PieceOver(p.t.Context(), prefix.Addr())
	require.NoError(p.t, err)
	require.Len(p.t, rows, 1)
	require.NotNil(p.t, rows[0].Holder, "%s is nobody's", prefix)
	return *rows[0].Holder
}

func (p *past) exec(sql string) {
	p.t.Helper()
	require.NoError(p.t, p.store.Exec(p.t.Context(), sql))
}

func (p *past) row(sql string, into any) {
	p.t.Helper()
	require.NoError(p.t, p.store.Row(p.t.Context(), sql, into))
}
