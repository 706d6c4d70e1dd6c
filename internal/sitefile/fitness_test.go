package sitefile

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestAFileSaysWhatItsMachinesAreHeldAgainst(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer(
		"disks_gb: [480, 960]", `disks_gb: [480, 960], disk_types: [ssd, nvme], nic_mbps: 25000, spares: 2, watts: 450,
    firmware: {bios: 2.12.2, bmc: "6.10", "disk samsung mz7lh480": "HXT7404Q: a"}, settings: {ProcVirtualization: on, "Boot Mode": Uefi},
    burn_in: {cpu: 1h30m, disks: 20m}`,
		"vouched: true", "power_budget_w: 12000",
		`cipher_suite: "3"`, `cipher_suite: "3", gap: 250ms, second: {protocol: ipmi, address: "[fd00::2]:6230"}`,
	).Replace(good(t))
	s, err := Parse([]byte(text), "lab1.yaml", stored)
	require.NoError(t, err)
	require.Equal(t, metal.Fitness{
		Cores: 8, MemoryGiB: 32, DisksGB: []int{480, 960}, DiskTypes: []string{"ssd", "nvme"}, NICMbps: 25000,
		Baseline: map[string]string{"bios": "2.12.2", "bmc": "6.10", "disk samsung mz7lh480": "HXT7404Q: a"},
		Settings: map[string]string{"ProcVirtualization": "on", "Boot Mode": "Uefi"},
		BurnIn:   metal.BurnIn{CPU: 90 * time.Minute, Disks: 20 * time.Minute},
	}, s.Plans[0].Fitness())
	require.Equal(t, []int{2, 450, 12000}, []int{s.Plans[0].Spares, s.Plans[0].Watts, s.PowerBudget})
	require.False(t, s.Vouched)
	require.Equal(t, 250*time.Millisecond, s.Machines[1].BMC.Gap)
	require.Equal(t, metal.BMCWay{Protocol: metal.IPMI, Address: "[fd00::2]:6230"}, s.Machines[1].BMC.Second)
	require.Equal(t, s, writtenAndRead(t, s))
}

func TestWhatAFileLeavesOutIsNotExpected(t *testing.T) {
	t.Parallel()
	s, err := Parse([]byte(good(t)), "lab1.yaml", stored)
	require.NoError(t, err)
	require.True(t, s.Vouched)
	require.Equal(t, metal.Fitness{Cores: 8, MemoryGiB: 32, DisksGB: []int{480, 960}}, s.Plans[0].Fitness())
	require.Equal(t, s, writtenAndRead(t, s))
}

func writtenAndRead(t *testing.T, s *Site) *Site {
	t.Helper()
	var page strings.Builder
	require.NoError(t, Write(&page, s))
	again, err := Parse([]byte(page.String()), "written.yaml", stored)
	require.NoError(t, err, page.String())
	return again
}
