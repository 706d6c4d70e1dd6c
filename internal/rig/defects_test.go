package rig_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/rig"
)

// defect is something that is the matter with a machine that came in, and what
// must become of it.
type defect struct {
	target string // "machine" or "bmc"
	fault  string
	issue  metal.IssueKind
	twin   bool // the machine that it was swapped with, or has its serial, has the issue too
}

var defects = []defect{
	{"machine", "missing-dimm", metal.MissingMemory, false},
	{"machine", "wrong-disk", metal.WrongDisk, false},
	{"machine", "swapped-cables", metal.SwappedCables, true},
	{"machine", "failing-disk", metal.FailingDisk, false},
	{"bmc", "refuse-session", metal.BMCSilent, false},
	{"bmc", "wrong-firmware", metal.WrongFirmware, false},
	{"machine", "duplicate-serial", metal.DuplicateSerial, true},
	{"machine", "no-lldp", metal.NoLLDP, false},
	{"bmc", "hot-cpu", metal.HotCPU, false},
	{"bmc", "dead-fan", metal.DeadFan, false},
}

const (
	cameIn     = 200
	perDefect  = 2
	everyOther = 7 // machines between two defective ones, so that twins are nobody else's
)

// placed spreads the defects over the machines: by name, the issue of each.
func placed() (faults []lab.Fault, want map[string]metal.IssueKind) {
	want = map[string]metal.IssueKind{}
	for i := range len(defects) * perDefect {
		d, n := defects[i%len(defects)], 2+i*everyOther
		name := fmt.Sprintf("m%d", n)
		faults = append(faults, lab.Fault{Target: d.target + "/" + name, Name: d.fault})
		want[name] = d.issue
	}
	return faults, want
}

// Two hundred machines come in, twenty of them with ten kinds of defect. Each of
// those ends in quarantine with the issue that it has, and no tenant gets one,
// however many devices are ordered.
func TestNoDefectiveMachineIsEverGivenToATenant(t *testing.T) {
	t.Parallel()
	faults, want := placed()
	r := start(t, rig.Config{Machines: cameIn, Unproven: true, Faults: faults, Limits: patient, Every: time.Second})
	fleet := proven(t, r)
	aside := map[string][]string{}
	for _, m := range fleet {
		switch metal.MachineState(m.State) {
		case metal.Idle:
			require.NotContains(t, want, m.ID, "machine %s has a defect, and is in the pool", m.ID)
			require.NotEmpty(t, m.ProvenAt, m.ID)
		case metal.Quarantined:
			aside[m.ID] = kinds(t, r, m.ID)
			require.NotEmpty(t, m.Reason)
		default:
			require.Fail(t, "a machine is left in between", "%s is %s", m.ID, m.State)
		}
	}
	for name, issue := range want {
		require.Contains(t, aside[name], string(issue), "machine %s, in quarantine with %v", name, aside[name])
	}
	for name, found := range aside {
		if _, meant := want[name]; !meant {
			require.True(t, twinOf(found), "machine %s has no defect, and is in quarantine with %v", name, found)
		}
	}
	t.Logf("%d machines: %d idle, %d in quarantine", len(fleet), len(fleet)-len(aside), len(aside))
	ordered(t, r, len(fleet)-len(aside), aside)
}

// twinOf reports whether all that is the matter with a machine is that another
// one has its serial, or its cable.
func twinOf(found []string) bool {
	return len(found) > 0 && !slices.ContainsFunc(found, func(k string) bool {
		return k != string(metal.DuplicateSerial) && k != string(metal.SwappedCables)
	})
}

// proven waits until every machine was commissioned.
func proven(t *testing.T, r *rig.Rig) (fleet []query.ListFleetRow) {
	t.Helper()
	require.Eventually(t, func() bool {
		var err error
		fleet, err = r.Store.Queries().ListFleet(t.Context(), query.ListFleetParams{})
		require.NoError(t, err)
		return !slices.ContainsFunc(fleet, func(m query.ListFleetRow) bool {
			return m.State == string(metal.Enrolled) || m.State == string(metal.Claimed)
		})
	}, 15*time.Minute, time.Second, "machines are still being proven")
	return fleet
}

func kinds(t *testing.T, r *rig.Rig, machine string) (all []string) {
	t.Helper()
	issues, err := r.Store.Issues(t.Context(), metal.MachineID(machine))
	require.NoError(t, err)
	for _, i := range issues {
		all = append(all, string(i.Kind))
	}
	return all
}

// ordered orders more devices than there are machines: every idle one is given
// out, or was given up on the way, and none of those aside is.
func ordered(t *testing.T, r *rig.Rig, idle int, aside map[string][]string) {
	t.Helper()
	const more = 20
	orders := map[metal.OrderID]metal.OrderInput{}
	for i := range idle + more {
		orders[metal.OrderID(fmt.Sprintf("o%d", i))] = rig.Provision()
	}
	active := 0
	for id, status := range all(t, r, orders) {
		if status.State == "done" {
			active++
			continue
		}
		require.Contains(t, status.Outcome, "none is idle", "order %s", id)
	}
	occupied := 0
	for _, m := range machines(t, r) {
		require.NotEqual(t, string(metal.Idle), m.State, "machine %s is idle, and orders were refused", m.ID)
		if m.Device != "" {
			occupied++
			require.NotContains(t, aside, m.ID, "machine %s has %v, and a tenant", m.ID, aside[m.ID])
		}
	}
	require.Equal(t, occupied, active)
	require.Greater(t, active, idle*9/10)
}
