package rack

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/metal"
	"millwright/internal/netrack"
)

// said collects what a machine and its chassis say.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) note(line string, _ time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

func (s *said) contains(words string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(strings.Join(s.lines, "\n"), words)
}

// The driver on one side, ipmi_sim in the middle, QEMU on the other: power and
// the boot device are what the machine does, and not what was asked for.
func TestABMCSwitchesItsMachineAndChoosesWhatItBoots(t *testing.T) {
	t.Parallel()
	ctx, heard := t.Context(), &said{}
	net := netrack.New(t, netrack.Options{Hosts: 1})
	m, err := startMachine(ctx, place{
		dir: t.TempDir(), firmware: metal.BIOS, host: net.Host(0), bmc: netip.MustParseAddr("127.201.7.1"), tcg: true, note: heard.note,
	})
	require.NoError(t, err)
	t.Cleanup(m.stop)
	t.Cleanup(func() { t.Log(heard.all()) })
	driver := &bmc.Driver{Credentials: func(context.Context, string) (metal.Credential, error) {
		return metal.Credential{User: m.bmc.user, Password: m.bmc.password}, nil
	}}
	record := metal.BMC{Machine: m.ID, Address: m.bmc.lan.String(), Protocol: metal.IPMI, CipherSuite: "3"}

	require.NoError(t, driver.PowerOn(ctx, record, metal.BootNetwork, metal.BIOS))
	await(t, heard, "iPXE")
	await(t, heard, m.MAC) // net0: <MAC> using virtio-net on …
	power, err := driver.Power(ctx, record)
	require.NoError(t, err)
	require.Equal(t, metal.On, power)

	m.Kill()
	power, err = driver.Power(ctx, record)
	require.NoError(t, err)
	require.Equal(t, metal.Off, power, "the plug was pulled, and nobody told the BMC")

	require.NoError(t, driver.PowerOn(ctx, record, metal.BootDisk, metal.BIOS))
	await(t, heard, "Booting from Hard Disk")
	require.NoError(t, driver.SetPower(ctx, record, metal.Off))
	require.False(t, m.chassis.vm.On())
}

func await(t *testing.T, heard *said, words string) {
	t.Helper()
	require.Eventually(t, func() bool { return heard.contains(words) }, time.Minute, 50*time.Millisecond, "%q is not on the console", words)
}

func (s *said) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}
