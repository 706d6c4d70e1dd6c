package qemu

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is for an emulated machine on a busy host.
const patience = 40 * time.Second

const word = "MILLWRIGHT-READY"

// console is what a machine has said.
type console struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

func (c *console) hears(t *testing.T, times int, word string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Count(c.String(), word) == times }, patience, 10*time.Millisecond, "%s", c)
}

// start switches on a machine with a disk that says READY.
func start(t *testing.T, change func(*Config)) (*VM, *console) {
	t.Helper()
	dir, c := t.TempDir(), &console{}
	disk := filepath.Join(dir, "disk.img")
	require.NoError(t, WriteWordDisk(disk, word))
	config := Config{Name: "m1", Dir: dir, Firmware: BIOS, Memory: 256, Disks: []Drive{{File: disk}}, Console: c, TCG: true}
	change(&config)
	v, err := Start(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(v.Kill)
	return v, c
}

func TestEachFirmwareBootsFromEachKindOfDisk(t *testing.T) {
	for _, c := range []struct {
		firmware Firmware
		bus      Bus
	}{{BIOS, Virtio}, {BIOS, NVMe}, {BIOS, AHCI}, {UEFI, Virtio}, {UEFI, NVMe}, {UEFIHTTP, AHCI}} {
		t.Run(string(c.firmware)+" "+string(c.bus), func(t *testing.T) {
			v, heard := start(t, func(m *Config) { m.Firmware, m.Disks[0].Bus = c.firmware, c.bus })
			heard.hears(t, 1, word)
			v.Kill()
		})
	}
}

func TestAMachineIsResetAndSwitchedOffAndOnAgain(t *testing.T) {
	v, heard := start(t, func(*Config) {})
	heard.hears(t, 1, word)
	require.NoError(t, v.Reset(t.Context()))
	heard.hears(t, 2, word)
	require.True(t, v.On())
	require.NoError(t, v.Err())
	v.Kill()
	require.False(t, v.On())
	require.ErrorContains(t, v.Err(), "m1")
	v.Kill()
	require.Error(t, v.Reset(t.Context()), "the plug is pulled")

	again, err := Start(t.Context(), v.config)
	require.NoError(t, err)
	defer again.Kill()
	heard.hears(t, 3, word)
}

func TestANetworkBootOnceIsFollowedByTheDisk(t *testing.T) {
	for firmware, network := range map[Firmware]string{BIOS: "iPXE initialising devices", UEFI: "PXE over IPv4", UEFIHTTP: "HTTP Boot over IPv4"} {
		t.Run(string(firmware), func(t *testing.T) {
			v, heard := start(t, func(m *Config) { m.Firmware, m.First, m.Once, m.NICs = firmware, Network, true, []NIC{{}} })
			heard.hears(t, 1, network)
			require.NotContains(t, heard.String(), word)
			require.NoError(t, v.Reset(t.Context()))
			heard.hears(t, 1, word)
			heard.hears(t, 1, network)
		})
	}
}

func TestWhatCannotBeAMachineIsToldBeforeItStarts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Config{
		"no name":     {Dir: t.TempDir(), Firmware: BIOS},
		"no firmware": {Name: "m1", Dir: t.TempDir()},
		"first":       {Name: "m1", Dir: t.TempDir(), Firmware: BIOS, First: "floppy"},
		"bus":         {Name: "m1", Dir: t.TempDir(), Firmware: BIOS, Disks: []Drive{{File: "x", Bus: "scsi"}}},
	} {
		_, err := Start(t.Context(), c)
		require.Error(t, err, name)
	}
	_, err := Start(t.Context(), Config{Name: "m1", Dir: t.TempDir(), Firmware: BIOS, Disks: []Drive{{File: "/nowhere"}}})
	require.ErrorContains(t, err, "/nowhere", "QEMU's own words")
}

func TestAMachineKeepsItsUEFIVariables(t *testing.T) {
	t.Parallel()
	c := Config{Name: "m1", Dir: t.TempDir(), Firmware: UEFI}
	_, err := c.firmware()
	require.NoError(t, err)
	own := filepath.Join(c.Dir, "uefi-variables.fd")
	require.NoError(t, os.WriteFile(own, []byte("mine"), 0o600))
	_, err = c.firmware()
	require.NoError(t, err)
	content, err := os.ReadFile(own)
	require.NoError(t, err)
	require.Equal(t, "mine", string(content))
}

func TestACommandThatIsCutShortEndsWithItsContext(t *testing.T) {
	v, _ := start(t, func(*Config) {})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := v.QMP(ctx, "query-status", nil)
	require.ErrorIs(t, err, context.Canceled)
	state, err := v.QMP(t.Context(), "query-status", nil)
	require.NoError(t, err)
	require.Contains(t, string(state), "running")
}
