//go:build linux

package ramsystem

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheCommandLineNamesTheNICToAskOn(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]arguments{
		"console=ttyS1,115200 quiet":                          {},
		"BOOTIF=01-52-54-00-aB-00-01":                         {mac: "52:54:00:ab:00:01"},
		"millwright.mac=52:54:00:00:00:02 millwright.token=x": {mac: "52:54:00:00:00:02"},
		"millwright.bond=52:54:00:00:00:01,52:54:00:00:00:02": {bond: []string{"52:54:00:00:00:01", "52:54:00:00:00:02"}},
	} {
		got, err := parseArguments(line)
		require.NoError(t, err, line)
		want.line = line
		require.Equal(t, want, got)
	}
}

func TestWhatTheCommandLineSaysWronglyDoesNotCount(t *testing.T) {
	t.Parallel()
	got, err := parseArguments("millwright.bond=52:54:00:00:00:01,nonsense BOOTIF=01-zz")
	require.ErrorContains(t, err, `millwright.bond: "nonsense" is no MAC address`)
	require.ErrorContains(t, err, `BOOTIF: "zz" is no MAC address`)
	require.Equal(t, []string{"52:54:00:00:00:01"}, got.bond)
	require.Empty(t, got.mac)
}

func TestTheNextKernelSpeaksWhereThisOneDid(t *testing.T) {
	t.Parallel()
	ours := arguments{line: "console=tty0 millwright.token=secret console=ttyS1,115200"}.consoles()
	require.Equal(t, []string{"console=tty0", "console=ttyS1,115200"}, ours)
	for line, want := range map[string]string{
		"root=LABEL=a ro":                      "root=LABEL=a ro console=tty0 console=ttyS1,115200",
		"root=LABEL=a console=ttyS0":           "root=LABEL=a console=ttyS0",
		"root=LABEL=a quiet $vt_handoff":       "root=LABEL=a quiet console=tty0 console=ttyS1,115200",
		`root="LABEL=two words" console=ttyS0`: `root="LABEL=two words" console=ttyS0`,
	} {
		got, err := kernelLine(line, ours)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := kernelLine("root=UUID=1 ${kernelopts}", ours)
	require.ErrorContains(t, err, "which only the boot loader knows")
}

func TestANewDeviceIsToldByTheKernel(t *testing.T) {
	t.Parallel()
	alias, appeared := uevent("add@/devices/pci0\x00ACTION=add\x00MODALIAS=pci:v00001AF4\x00SEQNUM=4\x00")
	require.True(t, appeared)
	require.Equal(t, "pci:v00001AF4", alias)
	alias, appeared = uevent("remove@/devices/pci0\x00MODALIAS=pci:v1")
	require.False(t, appeared)
	require.NotEmpty(t, alias)
	_, appeared = uevent("")
	require.False(t, appeared)
}
