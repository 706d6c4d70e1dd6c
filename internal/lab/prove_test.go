package lab_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/fitness"
	"millwright/internal/inventory"
	"millwright/internal/lab"
	"millwright/internal/lab/machine"
	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

// prove has the first machine's agent prove it, and gives what it found.
func (r *rig) prove() json.RawMessage {
	boot := r.begin(metal.AgentJob{Job: metal.JobProve})
	r.awaitReport(boot, metal.Proven)
	r.boot.mu.Lock()
	defer r.boot.mu.Unlock()
	return r.boot.hardware["m1"]
}

// declared is what the site file says of the first machine.
func (r *rig) declared() metal.Declared {
	m, p := r.file.Machines[0], r.file.Plans[0]
	return metal.Declared{
		Machine: m.ID, Firmware: m.Firmware, Plan: p.ID, Serial: redfish.Serial("m1"),
		Fitness: metal.Fitness{
			Cores: p.Cores, MemoryGiB: p.MemoryGiB, DisksGB: p.DisksGB, DiskTypes: p.DiskTypes, NICMbps: p.NICMbps,
			Baseline: p.Firmware, Settings: p.Settings,
		},
		NICs: []metal.DeclaredNIC{{MAC: m.NICs[0].MAC, Port: m.NICs[0].Port}}, Disks: []string{m.Disks[0].Serial},
	}
}

func TestALabsMachineIsAsItsPlanSays(t *testing.T) {
	t.Parallel()
	r := setup(t)
	found := r.prove()
	require.Empty(t, fitness.Compare(r.declared(), found), "%s", found)
	var is inventory.Inventory
	require.NoError(t, json.Unmarshal(found, &is))
	require.Equal(t, "tor-r1", is.NICs[0].Neighbour.System)
	require.Equal(t, "xe-0/0/0", is.NICs[0].Neighbour.Port)
	require.Equal(t, redfish.UUID("m1"), is.System.UUID)
	require.Len(t, r.boot.burnIns, 4)
	for _, result := range r.boot.burnIns {
		require.True(t, result.Passed)
	}
}

func TestEachDefectOfAMachineIsFoundByItsName(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]metal.IssueKind{
		"missing-dimm":    metal.MissingMemory,
		"wrong-disk":      metal.WrongDisk,
		"missing-disk":    metal.MissingDisk,
		"failing-disk":    metal.FailingDisk,
		"swapped-cables":  metal.SwappedCables,
		"no-lldp":         metal.NoLLDP,
		"wrong-boot-mode": metal.WrongBootMode,
		// The label of another machine is not the one that this machine had.
		"duplicate-serial": metal.WrongSerial,
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.fault(fault, 0)
			found := fitness.Compare(r.declared(), r.prove())
			require.Len(t, found, 1, "%+v", found)
			require.Equal(t, want, found[0].Kind, found[0].Detail)
			require.NoError(t, r.lab.ClearFaults("machine/m1"))
			require.Empty(t, r.lab.Faults(), "its twin is well again too")
		})
	}
}

func TestSwappedCablesAreSwappedAtBothEnds(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fault("swapped-cables", 0)
	require.Equal(t, []lab.Fault{
		{Target: "machine/m1", Name: "swapped-cables"}, {Target: "machine/m2", Name: "swapped-cables"},
	}, r.lab.Faults())
	require.EqualValues(t, "m2", r.lab.Twin("m1"))
	require.EqualValues(t, "m1", r.lab.Twin("m2"))
}

func TestMemoryThatFailsUnderLoadIsAResultAndNoFailure(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fault("burn-in-fails", 1)
	r.prove()
	require.False(t, r.boot.burnIns[1].Passed)
	require.Contains(t, r.boot.burnIns[1].Detail, "3 bit errors")
	require.Empty(t, r.lab.Faults(), "it was for once")
	require.NotEqual(t, machine.Hung, r.state().Phase)
}
