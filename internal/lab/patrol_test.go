package lab_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/fitness"
	"millwright/internal/metal"
)

// judged is what a patrol's visit to the first machine's BMC comes to.
func (r *rig) judged() (kinds []metal.IssueKind) {
	reading, err := r.bmcs.Read(r.Context(), r.file.Machines[0].BMC, "")
	require.NoError(r, err)
	require.Empty(r, reading.Missing)
	for _, f := range fitness.Judge(reading, r.file.Plans[0].Firmware) {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

func TestAPatrolFindsNothingOnAHealthyMachineOnOrOff(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.Empty(t, r.judged(), "it is off")
	m := r.file.Machines[0]
	require.NoError(t, r.bmcs.PowerOn(t.Context(), m.BMC, metal.BootDisk, m.Firmware))
	require.Empty(t, r.judged(), "it is on")
}

func TestAPatrolFindsEachDefectByItsName(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]metal.IssueKind{
		"hot-cpu":             metal.HotCPU,
		"dead-fan":            metal.DeadFan,
		"failing-disk":        metal.FailingDisk,
		"memory-errors":       metal.MemoryErrors,
		"wrong-firmware":      metal.WrongFirmware,
		"sensor:CPU1 Temp=96": metal.HotCPU,
		"sensor:12V=9":        metal.Voltage,
		"log:critical:DIMM_A2: uncorrectable ECC error": metal.MemoryErrors,
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.bmcFault(fault)
			m := r.file.Machines[0]
			require.NoError(t, r.bmcs.PowerOn(t.Context(), m.BMC, metal.BootDisk, m.Firmware)) // fans stand in what is off
			found := r.judged()
			require.NotEmpty(t, found)
			for _, kind := range found {
				require.Equal(t, want, kind, "%v", found)
			}
		})
	}
}

func TestWhatATenantDidToABMCIsFoundAndPutRight(t *testing.T) {
	t.Parallel()
	for deed, want := range map[string]metal.IssueKind{
		"extra-user": metal.BMCUsers, "changed-lan": metal.BMCNetwork, "changed-bios": metal.BMCSettings, "boot-entry": metal.BootOrder,
	} {
		t.Run(deed, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			m := r.file.Machines[0]
			host, _, err := net.SplitHostPort(m.BMC.Address)
			require.NoError(t, err)
			wish := metal.BMCWish{User: "admin", Boot: m.Firmware, Settings: r.file.Plans[0].Settings, Address: host}
			kinds := func() (all []metal.IssueKind) {
				found, err := r.bmcs.Secure(t.Context(), m.BMC, wish)
				require.NoError(t, err)
				for _, f := range found {
					if f.Severity != metal.Note { // that the way in from the machine was open, once
						all = append(all, f.Kind)
					}
				}
				return all
			}
			require.Empty(t, kinds(), "it came as it should be")
			r.bmcFault(deed)
			found := kinds()
			require.NotEmpty(t, found)
			for _, kind := range found {
				require.Equal(t, want, kind)
			}
			require.NoError(t, r.bmcs.PowerOn(t.Context(), m.BMC, metal.BootDisk, m.Firmware)) // what waited for it applies
			require.Empty(t, kinds(), "it was put right")
		})
	}
}
