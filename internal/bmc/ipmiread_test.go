package bmc_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// setupSensors is an ipmi_sim with a temperature, a fan and a power supply, the
// first two of which it reads from files, and a log.
func setupSensors(t *testing.T, users ...string) *simulator {
	t.Helper()
	folder := t.TempDir()
	for name, value := range map[string]string{"cpu1": "45\n", "fan1": "40\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(value), 0o644))
	}
	s := setupIPMI(t, users...)
	s.stop()
	s.sensors = folder
	emulation := []string{
		"mc_setbmc 0x20", "mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr", "sel_enable 0x20 100 0x0a",
		analogSensor(1, 0x01, folder+"/cpu1", "settable 111111 100 90 80 0 5 10"),
		record(1, 1, 0x01, 3, 1, "CPU1 Temp", [6]int{100, 90, 80, 0, 5, 10}),
		analogSensor(2, 0x04, folder+"/fan1", "settable 000111 0 0 0 2 5 10"),
		record(2, 2, 0x04, 29, 18, "FAN, 1", [6]int{0, 0, 0, 2, 5, 10}),
		"sensor_add 0x20 0 3 0x08 0x6f", supports(3), "sensor_set_bit 0x20 0 3 0 1 0", "sensor_set_bit 0x20 0 3 3 1 0",
		compactRecord(3, 3, 0x08, 10, "PS1 Status"), "mc_enable 0x20", "",
	}
	s.write(t, "sim.emu", strings.Join(emulation, "\n"), 0o644)
	s.start(t)
	s.await(t)
	return s
}

func analogSensor(number, kind int, file, limits string) string {
	return fmt.Sprintf("sensor_add 0x20 0 %d %#x 0x01 poll 50 file %q\nsensor_set_threshold 0x20 0 %d %s\n%s", number, kind, file, number, limits, supports(number))
}

func supports(number int) string {
	const all = " 000111111111111"
	return fmt.Sprintf("sensor_set_event_support 0x20 0 %d enable scanning per-state", number) + strings.Repeat(all, 4)
}

// record is a full sensor record (IPMI 2.0, table 43-1). Its unit is 1 for
// degrees, and 18 for revolutions, which come in hundreds.
func record(id, number, kind, entity, unit int, name string, limits [6]int) string {
	factor := 1
	if unit == 18 {
		factor = 100
	}
	body := []int{0x20, 0, number, entity, 1, 0x7f, 0x68, kind, 1, 0, 0x7a, 0, 0x7a, 0x3f, 0x3f, 0, unit, 0, 0, factor, 0, 0, 0, 0, 0, 7, 50, 80, 10, 255, 0}
	return sdr(id, 1, append(append(body, limits[:]...), 1, 1, 0, 0, 0), name)
}

// compactRecord is that of a sensor with states (table 43-2).
func compactRecord(id, number, kind, entity int, name string) string {
	return sdr(id, 2, []int{0x20, 0, number, entity, 1, 0x67, 0x40, kind, 0x6f, 0xff, 0x7f, 0xff, 0x7f, 0xff, 0x7f, 0xc0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, name)
}

func sdr(id, form int, body []int, name string) string {
	body = append(body, 0xc0|len(name))
	for _, letter := range []byte(name) {
		body = append(body, int(letter))
	}
	words := []string{"main_sdr_add 0x20"}
	for _, b := range append([]int{id, 0, 0x51, form, len(body)}, body...) {
		words = append(words, fmt.Sprintf("%#x", b))
	}
	return strings.Join(words, " ")
}

func TestIPMIBringsSensorsPartsAndFirmware(t *testing.T) {
	t.Parallel()
	s := setupSensors(t)
	got, err := s.driver.Read(t.Context(), s.record, "")
	require.NoError(t, err)
	require.Equal(t, metal.Off, got.Power)
	cpu := sensorOf(t, got, "CPU1 Temp")
	require.Equal(t, metal.Temperature, cpu.Kind)
	require.Equal(t, 45.0, *cpu.Value)
	require.Equal(t, 80.0, *cpu.HighWarning)
	require.Equal(t, 90.0, *cpu.HighCritical)
	require.Equal(t, "ok", cpu.State)
	fan := sensorOf(t, got, "FAN, 1")
	require.Equal(t, 4000.0, *fan.Value)
	require.Equal(t, 500.0, *fan.LowCritical)
	require.Nil(t, fan.HighCritical)
	supply := partOf(t, got, "PS1 Status")
	require.Equal(t, "psu", supply.Kind)
	require.Equal(t, "warning", supply.Health)
	require.Contains(t, supply.Detail, "AC lost")
	require.Equal(t, []metal.FirmwareVersion{{Component: "bmc", Version: "9.08"}}, got.Firmware)
	require.Equal(t, []string{"consumption: the BMC has no DCMI power reading"}, got.Missing)
	require.Empty(t, got.Log)
}

func TestIPMIRisingTemperatureIsReadAndLogged(t *testing.T) {
	t.Parallel()
	s := setupSensors(t)
	before, err := s.driver.Read(t.Context(), s.record, "")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(s.sensors, "cpu1"), []byte("95\n"), 0o644))
	var got metal.Reading
	require.Eventually(t, func() bool {
		got, err = s.driver.Read(t.Context(), s.record, before.LogMark)
		return err == nil && len(got.Log) == 2
	}, 20*time.Second, 50*time.Millisecond)
	require.Equal(t, "critical", sensorOf(t, got, "CPU1 Temp").State)
	require.Equal(t, metal.Degraded, got.Log[0].Severity)
	require.Equal(t, metal.Failing, got.Log[1].Severity)
	require.Contains(t, got.Log[1].Message, "Upper Critical going high")
	require.Contains(t, got.Log[1].Sensor, "CPU1 Temp")

	again, err := s.driver.Read(t.Context(), s.record, got.LogMark)
	require.NoError(t, err)
	require.Empty(t, again.Log)
	require.Equal(t, got.LogMark, again.LogMark)

	require.NoError(t, s.driver.ClearLog(t.Context(), s.record))
	cleared, err := s.driver.Read(t.Context(), s.record, got.LogMark)
	require.NoError(t, err)
	require.True(t, cleared.Cleared)
}

func TestIPMIUsersAreKeptInOrder(t *testing.T) {
	t.Parallel()
	s := setupSensors(t, `user 3 true "tenant" "their-own" admin 10 none md2 md5 straight`)
	s.noteArguments(t)
	found, err := s.driver.Secure(t.Context(), s.record, metal.BMCWish{User: "admin", Boot: metal.UEFI, InBand: true, Address: "127.0.0.1"})
	require.NoError(t, err)
	require.Equal(t, []metal.IssueKind{metal.BMCUsers}, kindsOf(found))
	require.Equal(t, "tenant", found[0].Part)
	found, err = s.driver.Secure(t.Context(), s.record, metal.BMCWish{User: "admin", Settings: map[string]string{"SysProfile": "x"}})
	require.NoError(t, err)
	require.Equal(t, []metal.IssueKind{metal.BMCSettings, metal.InBandOpen}, kindsOf(found))
	require.Equal(t, metal.Note, found[0].Severity)

	const nextPassword = "Battery-Staple16" // ipmi_sim takes 20 bytes, and then opens to none
	next := metal.Credential{User: "admin", Password: nextPassword}
	require.NoError(t, s.driver.SetPassword(t.Context(), s.record, next))
	_, err = s.driver.Power(t.Context(), s.record)
	require.ErrorIs(t, err, metal.ErrBadCredentials)
	s.driver.Credentials = driverWith(nextPassword).Credentials
	require.NoError(t, s.driver.SetPassword(t.Context(), s.record, metal.Credential{User: "millwright", Password: nextPassword}))
	names, err := s.driver.Users(t.Context(), s.record)
	require.NoError(t, err)
	require.Equal(t, []string{"admin", "millwright"}, names)
	require.NotContains(t, s.read(t, "args"), nextPassword)
}

func TestIPMIRefusesAPasswordThatScriptsCannotCarry(t *testing.T) {
	t.Parallel()
	s := setupIPMI(t)
	for _, secret := range []string{"two words", "quo\"ted", "line\nbreak", "21-bytes-are-too-many"} {
		err := s.driver.SetPassword(t.Context(), s.record, metal.Credential{User: "admin", Password: secret})
		require.ErrorIs(t, err, metal.ErrUnsupported)
		require.NotContains(t, err.Error(), secret)
	}
}

func TestIPMIIsIdentifiedWhereThereIsNoRedfish(t *testing.T) {
	t.Parallel()
	s := setupIPMI(t)
	got, err := s.driver.Identify(t.Context(), s.record.Address, metal.Credential{User: "admin", Password: password})
	require.NoError(t, err)
	require.Equal(t, metal.IPMI, got.Protocol)
	require.Equal(t, "3", got.CipherSuite, "ipmi_sim knows no SHA-256")
	require.Contains(t, got.Vendor, "MontaVista")
	require.NotEmpty(t, got.UUID)
	require.Equal(t, "9.08", got.Firmware[0].Version)
}
