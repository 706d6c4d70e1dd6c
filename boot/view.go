package main

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"millwright/internal/metal"
)

// view is what boot knows of its machines while nobody can be asked.
type view struct {
	mu      sync.RWMutex
	byID    map[metal.MachineID]metal.BootMachine
	byPort  map[metal.Port]metal.MachineID
	byMAC   map[string]metal.MachineID
	byAddr  map[netip.Addr]metal.MachineID
	waiting map[metal.MachineID]chan struct{} // closed at the machine's next change
	current time.Time                         // when it was last known to agree with Postgres
}

func newView() *view {
	v := &view{waiting: map[metal.MachineID]chan struct{}{}}
	v.index(nil)
	return v
}

// ByPort finds the machine whose first NIC is at a port.
func (v *view) ByPort(p metal.Port) (metal.BootMachine, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	m, ok := v.byID[v.byPort[p]]
	return m, ok
}

// ByMAC finds the machine that one of the MACs belongs to.
func (v *view) ByMAC(mac string) (metal.BootMachine, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	m, ok := v.byID[v.byMAC[mac]]
	return m, ok
}

// ByAddress finds the machine that may speak from an address.
func (v *view) ByAddress(a netip.Addr) (metal.BootMachine, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	m, ok := v.byID[v.byAddr[a]]
	return m, ok
}

func (v *view) has(id metal.MachineID) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	_, ok := v.byID[id]
	return ok
}

// age is the time since memory last agreed with Postgres.
func (v *view) age() time.Duration {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return time.Since(v.current)
}

func (v *view) loaded() bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return !v.current.IsZero()
}

// replace takes a whole site as it was read at the given time, and wakes
// everybody who waits: whatever was missed is in it.
func (v *view) replace(machines []metal.BootMachine, read time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.index(machines)
	v.current = read
	for id := range v.waiting {
		v.wake(id)
	}
}

// put takes one machine, with addresses and ports it may have lost or won.
func (v *view) put(m metal.BootMachine) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forget(m.ID)
	v.add(m)
	v.wake(m.ID)
}

// drop takes a machine out.
func (v *view) drop(id metal.MachineID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forget(id)
	v.wake(id)
}

// changed is closed when the machine changes next.
func (v *view) changed(id metal.MachineID) <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.waiting[id] == nil {
		v.waiting[id] = make(chan struct{})
	}
	return v.waiting[id]
}

func (v *view) wake(id metal.MachineID) {
	if ch := v.waiting[id]; ch != nil {
		close(ch)
		delete(v.waiting, id)
	}
}

func (v *view) index(machines []metal.BootMachine) {
	n := len(machines)
	v.byID = make(map[metal.MachineID]metal.BootMachine, n)
	v.byPort = make(map[metal.Port]metal.MachineID, n)
	v.byMAC = make(map[string]metal.MachineID, n)
	v.byAddr = make(map[netip.Addr]metal.MachineID, n)
	for _, m := range machines {
		v.add(m)
	}
}

// add keeps a copy whose MACs compare as DHCP writes them.
func (v *view) add(m metal.BootMachine) {
	macs := make([]string, len(m.MACs))
	for i, mac := range m.MACs {
		macs[i] = strings.ToLower(mac)
		v.byMAC[macs[i]] = m.ID
	}
	m.MACs = macs
	v.byID[m.ID] = m
	v.byPort[m.Port] = m.ID
	for _, a := range m.Addresses {
		v.byAddr[a] = m.ID
	}
}

// forget leaves alone what another machine has taken over meanwhile: a notice
// of the new holder may come before that of the old one.
func (v *view) forget(id metal.MachineID) {
	old := v.byID[id]
	delete(v.byID, id)
	if v.byPort[old.Port] == id {
		delete(v.byPort, old.Port)
	}
	for _, mac := range old.MACs {
		if v.byMAC[mac] == id {
			delete(v.byMAC, mac)
		}
	}
	for _, a := range old.Addresses {
		if v.byAddr[a] == id {
			delete(v.byAddr, a)
		}
	}
}
