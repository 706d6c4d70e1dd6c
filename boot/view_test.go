package main

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestMemoryFollowsAnAddressFromOneMachineToTheNext(t *testing.T) {
	t.Parallel()
	public := netip.MustParseAddr("198.51.100.5")
	with := func(id metal.MachineID, even byte, more ...netip.Addr) metal.BootMachine {
		m := machine(id, even)
		m.Addresses = append(m.Addresses, more...)
		return m
	}
	v := newView()
	v.replace([]metal.BootMachine{with("m7", 14, public), with("m8", 16)}, time.Now())
	v.put(with("m8", 16, public)) // the new holder is heard of before the old one
	v.put(with("m7", 14))
	m, ok := v.ByAddress(public)
	require.True(t, ok)
	require.Equal(t, metal.MachineID("m8"), m.ID)
	v.drop("m8")
	_, ok = v.ByAddress(public)
	require.False(t, ok)
}

func TestAMachineIsFoundByItsMACInAnyCase(t *testing.T) {
	t.Parallel()
	v := newView()
	v.replace([]metal.BootMachine{machine("m7", 0xaa)}, time.Now())
	m, ok := v.ByMAC("52:54:00:00:00:aa")
	require.True(t, ok)
	require.Equal(t, []string{"52:54:00:00:00:aa"}, m.MACs)
	v.replace(nil, time.Now())
	_, ok = v.ByMAC("52:54:00:00:00:aa")
	require.False(t, ok)
}

func TestEveryChangeWakesWhoWaitsForIt(t *testing.T) {
	t.Parallel()
	v := newView()
	for name, change := range map[string]func(){
		"one machine": func() { v.put(machine("m7", 14)) },
		"the site":    func() { v.replace(nil, time.Now()) },
		"its end":     func() { v.drop("m7") },
	} {
		changed := v.changed("m7")
		change()
		select {
		case <-changed:
		default:
			require.Fail(t, "nobody woke", name)
		}
	}
}

func TestANewMachineIsLearntFromANotice(t *testing.T) {
	t.Parallel()
	r := setup(t, newWorld())
	r.srv.view.mu.Lock()
	r.srv.view.current = time.Now().Add(-time.Minute)
	r.srv.view.mu.Unlock()
	r.w.change("m7", func() { r.w.machines["m7"] = machine("m7", 14) })
	r.eventually("m7 is known", func() bool { return r.srv.view.has("m7") })
	r.w.change("m7", func() { delete(r.w.machines, "m7") })
	r.eventually("m7 is forgotten", func() bool { return !r.srv.view.has("m7") })
}
