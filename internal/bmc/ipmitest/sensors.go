package ipmitest

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Thermometer is a processor's temperature sensor, whose limits are as a BMC
// holds them: it writes into its event log when one is passed.
type Thermometer struct {
	Name                              string // up to 16 letters
	Warning, Critical, Nonrecoverable int    // degrees
}

const (
	thermometerFile = "degrees"
	coolest         = 0 // below which no limit is set
)

// Heat gives a BMC an event log and a thermometer that reads 45 degrees,
// switches its machine on, and restarts it.
func (b *BMC) Heat(t testing.TB, m Thermometer) {
	t.Helper()
	b.Stop()
	b.SetDegrees(t, 45)
	b.write(t, "power", "1\n", 0o644)
	limits := fmt.Sprintf("%d %d %d %d %d %d", m.Nonrecoverable, m.Critical, m.Warning, coolest, coolest, coolest)
	b.write(t, "sim.emu", strings.Join([]string{
		"mc_setbmc 0x20",
		"mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr",
		"sel_enable 0x20 100 0x0a", // 100 entries, which can be added and deleted
		fmt.Sprintf("sensor_add 0x20 0 1 0x01 0x01 poll 50 file %q", b.folder+"/"+thermometerFile),
		"sensor_set_threshold 0x20 0 1 settable 111111 " + limits,
		"sensor_set_event_support 0x20 0 1 enable scanning per-state" + strings.Repeat(" 000111111111111", 4),
		m.record(),
		"mc_enable 0x20", "",
	}, "\n"), 0o644)
	b.Restart(t)
}

// SetDegrees is what the thermometer reads from now on.
func (b *BMC) SetDegrees(t testing.TB, degrees int) {
	t.Helper()
	b.write(t, thermometerFile, fmt.Sprintf("%d\n", degrees), 0o644)
}

// record is its full sensor record (IPMI 2.0, table 43-1): sensor 1 of the
// first processor, analog, in whole degrees.
func (m Thermometer) record() string {
	body := []int{0x20, 0, 1, 3, 1, 0x7f, 0x68, 1, 1, 0, 0x7a, 0, 0x7a, 0x3f, 0x3f, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 7, 50, 80, 10, 255, 0,
		m.Nonrecoverable, m.Critical, m.Warning, coolest, coolest, coolest, 1, 1, 0, 0, 0, 0xc0 | len(m.Name)}
	for _, letter := range []byte(m.Name) {
		body = append(body, int(letter))
	}
	const number, version, full = 1, 0x51, 1
	words := []string{"main_sdr_add 0x20"}
	for _, octet := range append([]int{number, 0, version, full, len(body)}, body...) {
		words = append(words, fmt.Sprintf("%#x", octet))
	}
	return strings.Join(words, " ")
}

// LogCorrected writes into the event log that a memory error was corrected
// (Add SEL Entry, IPMI 2.0, 31.6).
func (b *BMC) LogCorrected(t testing.TB) {
	t.Helper()
	const entry = "0 0 0x02 0 0 0 0 0x20 0 0x04 0x0c 0x08 0x6f 0x00 0xff 0xff"
	cmd := exec.CommandContext(t.Context(), "ipmitool", append([]string{"-I", "lanplus", "-C", "3", "-H", "127.0.0.1",
		"-p", fmt.Sprint(b.Port), "-U", "admin", "-E", "raw", "0x0a", "0x44"}, strings.Fields(entry)...)...)
	cmd.Env = append(cmd.Environ(), "IPMI_PASSWORD="+Password)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
