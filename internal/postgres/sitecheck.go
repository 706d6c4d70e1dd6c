package postgres

import (
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/sitefile"
)

// check collects every reason not to import. It writes nothing.
func (im *siteImport) check() {
	im.checkAggregates()
	im.checkBlocks()
	im.checkSwitches()
	im.checkZones()
	owners := im.owners()
	for _, m := range im.file.Machines {
		im.checkMachine(m, owners)
	}
}

func (im *siteImport) checkSwitches() {
	addresses := map[string]string{}
	for id, s := range im.was.switches {
		addresses[s.Address] = id
	}
	for _, s := range im.file.Switches {
		if was, known := im.was.switches[string(s.ID)]; known && was.Site != string(im.file.ID) && im.hasCables(was.ID) {
			im.refuse("switch %s belongs to site %s, and machines are cabled to it; names of switches are unique everywhere", s.ID, was.Site)
		}
		other, taken := addresses[s.Address]
		if taken && other != string(s.ID) && !has(im.file.Switches, func(f sitefile.Switch) bool { return string(f.ID) == other }) {
			im.refuse("switch %s: its address %s is that of switch %s, which the file does not have; correct one of them", s.ID, s.Address, other)
		}
	}
}

func (im *siteImport) hasCables(sw string) bool {
	return has(im.was.nics, func(n query.AllNICsRow) bool { return n.Switch == sw })
}

// owners says who has each BMC address, MAC and port, among the machines that
// the file does not have: what the file's own machines have, they may exchange.
func (im *siteImport) owners() map[string]string {
	owners := map[string]string{}
	for id, m := range im.was.machines {
		if !im.hasMachine(id) {
			owners["BMC address "+m.BmcAddress] = id
		}
	}
	for _, n := range im.was.nics {
		if !im.hasMachine(n.Machine) {
			owners["MAC "+n.Mac] = n.Machine
			owners["port "+n.Switch+":"+n.Port] = n.Machine
		}
	}
	return owners
}

func (im *siteImport) checkMachine(m sitefile.Machine, owners map[string]string) {
	things := []string{"BMC address " + m.BMC.Address}
	for _, n := range m.NICs {
		things = append(things, "MAC "+n.MAC, "port "+n.Port.String())
		if p, known := im.was.ports[n.Port.String()]; known && p.Profile == string(metal.Tenant) && p.Machine != string(m.ID) {
			im.refuse("machine %s: port %s carries the tenant of machine %s; deprovision that device first", m.ID, n.Port, p.Machine)
		}
	}
	for _, thing := range things {
		if owner, taken := owners[thing]; taken {
			im.refuse("machine %s: its %s is that of machine %s, which the file does not have; a machine keeps its name", m.ID, thing, owner)
		}
	}
	if was, known := im.was.machines[string(m.ID)]; known && reliedOn(was) {
		im.checkInUse(m, was)
	}
}

// reliedOn says that a run or a device relies on where a machine is. One that was
// put aside with no device on it is waited for: its file is what may be wrong.
func reliedOn(was query.Machine) bool {
	switch metal.MachineState(was.State) {
	case metal.Idle, metal.Enrolled, metal.Retired:
		return false
	case metal.Quarantined, metal.Maintenance:
		return was.Device != nil
	}
	return true
}

// checkInUse keeps a machine that is in use where its run, or its tenant,
// believes it to be.
func (im *siteImport) checkInUse(m sitefile.Machine, was query.Machine) {
	stays := func(what, before, after string) {
		if before != after {
			im.refuse("machine %s is %s, so its %s cannot change from %s to %s; wait until it is idle", m.ID, was.State, what, before, after)
		}
	}
	stays("site", was.Site, string(m.Site))
	stays("plan", was.Plan, string(m.Plan))
	before, after := im.was.cabling(was.ID), m.NICs
	for i := range max(len(before), len(after)) {
		stays("port", portOf(before, i), portOf(after, i))
	}
}

func portOf(nics []sitefile.NIC, i int) string {
	if i >= len(nics) {
		return "none"
	}
	return nics[i].Port.String()
}
