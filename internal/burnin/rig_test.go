package burnin

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// tree is what the kernel shows of a machine with little memory and one network
// card. The tools that run on it are real.
func tree(t *testing.T) Config {
	t.Helper()
	cfg := Config{Root: t.TempDir(), Scratch: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	show(t, cfg, map[string]string{
		"proc/meminfo":    "MemTotal:       2000000 kB\nMemAvailable:   262144 kB\n",
		"proc/interrupts": "            CPU0       CPU1\n  0:          1          2   IO-APIC   2-edge      timer\nMCE:          0          1   Machine check exceptions\n",
		"dev/kmsg":        "6,1,1,-;edac: an old story: uncorrectable\n",
		"sys/devices/system/edac/mc/mc0/ce_count": "3", "sys/devices/system/edac/mc/mc0/ue_count": "0",
		"sys/devices/system/edac/mc/mc0/dimm0/dimm_label": "CPU_SrcID#0_MC#0_Chan#1_DIMM#0", "sys/devices/system/edac/mc/mc0/dimm0/dimm_ce_count": "3",
		"sys/class/hwmon/hwmon0/name": "coretemp", "sys/class/hwmon/hwmon0/temp1_input": "61000",
		"sys/class/hwmon/hwmon1/name": "nvme", "sys/class/hwmon/hwmon1/temp1_input": "91000",
	})
	card := filepath.Join(cfg.Root, "sys/class/net/eth0")
	require.NoError(t, os.MkdirAll(filepath.Join(cfg.Root, "sys/devices/pci0000:00/0000:00:03.0"), 0o755))
	show(t, cfg, map[string]string{
		"sys/class/net/eth0/address": mac, "sys/class/net/eth0/carrier": "1", "sys/class/net/eth0/carrier_changes": "2", "sys/class/net/eth0/speed": "25000",
		"sys/class/net/eth0/statistics/rx_packets": "1000", "sys/class/net/eth0/statistics/rx_crc_errors": "7", "sys/class/net/eth0/statistics/rx_errors": "7",
		"sys/class/net/lo/address": "00:00:00:00:00:00", "sys/class/net/lo/carrier": "1",
	})
	require.NoError(t, os.Symlink("../../../devices/pci0000:00/0000:00:03.0", filepath.Join(card, "device")))
	return cfg
}

const mac = "0c:42:a1:00:00:01"

// show writes what the kernel shows now.
func show(t *testing.T, cfg Config, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(cfg.Root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content+"\n"), 0o600))
	}
}

// meanwhile is a tool that does something to the machine before the real one of
// its name begins.
func meanwhile(t *testing.T, tool, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), tool)
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh -e\n"+script+"\nexec "+tool+" \"$@\"\n"), 0o700))
	return path
}

// burn runs a burn-in that must not take long.
func burn(t *testing.T, cfg Config, want metal.BurnIn) []metal.BurnInResult {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	return Run(ctx, cfg, want, func(int64, int64, string) {})
}

// disk is a file for one, and gives it to the burn-in.
func disk(t *testing.T, cfg *Config, mib int64) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "disk:0") // fio takes a colon for the end of a name
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("tenant", 100)), 0o600))
	require.NoError(t, os.Truncate(path, mib<<20))
	cfg.Disks = func() ([]Disk, error) { return []Disk{{Path: path, Serial: "S1", Size: mib << 20}}, nil }
	return path
}
