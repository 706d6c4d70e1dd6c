package main

import (
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// waysOut says how a machine leaves the state that it is in, the usual way
// first: commands, each with what comes of it.
func waysOut(m query.GetMachineRow) []string {
	way := func(format string) string { return fmt.Sprintf("starter machine "+format, m.ID) }
	if m.Device != nil {
		return withDevice(m, *m.Device)
	}
	commission := way("commission %s   proves it again and erases it: idle, or quarantined with its issues")
	maintain := way("maintain %s --until 24h --reason WHY   yours until then")
	retire := way("retire %s   erases it with certificates: retired")
	vouch := way("release %s --reason WHY   your word that it is fit: idle, its issues closed")
	switch metal.MachineState(m.State) {
	case metal.Enrolled:
		return []string{commission, vouch, maintain, retire}
	case metal.Idle:
		return []string{"an order for its plan takes it", way("quarantine %s --reason WHY   nobody gets it"), maintain, retire}
	case metal.Claimed:
		return []string{fmt.Sprintf("its run ends (%s): temporal workflow describe --workflow-id %s", m.Errand, m.Run),
			fmt.Sprintf("temporal workflow cancel --workflow-id %s   as it was before", m.Run)}
	case metal.Quarantined:
		if m.Dirty { // nobody's word is taken for an erasure
			return []string{commission, maintain, retire}
		}
		return []string{commission, vouch, maintain, retire}
	case metal.Maintenance:
		return []string{way("restore %s --reason WHY   proven again by itself, before anybody gets it"), commission,
			way("quarantine %s --reason WHY   nobody has it"), retire}
	case metal.Retired:
		return []string{way("restore %s --reason WHY   it comes back, and is proven again")}
	}
	return nil
}

// withDevice is a machine that a device has, whatever its state: it leaves by
// the device alone.
func withDevice(m query.GetMachineRow, device string) []string {
	if metal.MachineState(m.State) == metal.Claimed {
		return []string{fmt.Sprintf("the device's run ends: starter status %s", device), fmt.Sprintf("starter cancel %s", device)}
	}
	return []string{fmt.Sprintf("starter deprovision %s   erases it: idle, or quarantined", device)}
}

// evidence says where to read what a machine did before it was taken aside.
func evidence(m query.GetMachineRow) []string {
	if metal.MachineState(m.State) != metal.Quarantined {
		return nil
	}
	var found []string
	if m.AsideBoot > 0 {
		found = append(found, fmt.Sprintf("starter console %s --boot %d", m.ID, m.AsideBoot), fmt.Sprintf("starter log %s --boot %d", m.ID, m.AsideBoot))
	}
	if m.AsideRun != "" {
		found = append(found, "temporal workflow show --workflow-id "+m.AsideRun)
	}
	return found
}
