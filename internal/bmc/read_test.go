package bmc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

// sensorOf finds a sensor by its name.
func sensorOf(t *testing.T, r metal.Reading, name string) metal.Sensor {
	t.Helper()
	for _, s := range r.Sensors {
		if s.Name == name {
			return s
		}
	}
	require.Failf(t, "no such sensor", "%s in %v", name, r.Sensors)
	return metal.Sensor{}
}

// partOf finds a part by its name.
func partOf(t *testing.T, r metal.Reading, name string) metal.Part {
	t.Helper()
	for _, p := range r.Parts {
		if p.Name == name {
			return p
		}
	}
	require.Failf(t, "no such part", "%s in %v", name, r.Parts)
	return metal.Part{}
}

func (r *rack) read(t *testing.T, mark string) metal.Reading {
	t.Helper()
	got, err := r.driver.Read(t.Context(), r.record, mark)
	require.NoError(t, err)
	return got
}

func TestOneVisitBringsEverything(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.On))
	r.AddLogEntry(metal.LogEntry{Severity: metal.Degraded, Message: "a fan was slow"})
	r.ResetLoad()
	got := r.read(t, "")
	require.Empty(t, got.Missing)
	require.Equal(t, metal.MachineID("m7"), got.Machine)
	require.Equal(t, metal.On, got.Power)
	require.NotNil(t, got.Watts)
	require.Greater(t, *got.Watts, 100.0)

	cpu := sensorOf(t, got, "CPU1 Temp")
	require.Equal(t, metal.Temperature, cpu.Kind)
	require.Equal(t, "ok", cpu.State)
	require.Equal(t, 95.0, *cpu.HighCritical)
	require.Equal(t, metal.Fan, sensorOf(t, got, "FAN2").Kind)
	require.Equal(t, "V", sensorOf(t, got, "12V").Unit)
	require.Equal(t, "ok", partOf(t, got, "DIMM_A1").Health)
	require.Equal(t, "psu", partOf(t, got, "PS1").Kind)
	require.Equal(t, "disk", partOf(t, got, redfish.Serial("m7")+"-1").Kind)

	require.Contains(t, got.Firmware, metal.FirmwareVersion{Component: "bios", Version: redfish.BIOSVersion, ID: "BIOS", Updatable: true})
	require.Contains(t, got.Firmware, metal.FirmwareVersion{Component: "bmc", Version: redfish.BMCVersion, ID: "BMC", Updatable: true})
	require.Len(t, got.Firmware, 2, "images to go back to are none that run")

	last := got.Log[len(got.Log)-1]
	require.Equal(t, "a fan was slow", last.Message)
	require.Equal(t, metal.Degraded, last.Severity)
	require.False(t, last.At.IsZero())
	require.LessOrEqual(t, r.Load().Requests, 15, "five thousand BMCs are visited every ten minutes")
	require.Equal(t, 1, r.Load().MostSessions)
	r.requireNoSessions(t)
}

func TestTroubleIsReadAsWhatItIs(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.On))
	for _, fault := range []string{redfish.HotCPU, redfish.DeadFan, redfish.FailingDisk, redfish.MemoryErrors} {
		r.arm(t, fault, 0, 0)
	}
	got := r.read(t, "")
	require.Equal(t, "critical", sensorOf(t, got, "CPU1 Temp").State)
	fan := sensorOf(t, got, "FAN1")
	require.Equal(t, "critical", fan.State)
	require.Zero(t, *fan.Value)
	require.NotEqual(t, "ok", partOf(t, got, redfish.Serial("m7")+"-1").Health)
	require.Contains(t, partOf(t, got, redfish.Serial("m7")+"-1").Detail, "predicts its failure")
	require.Equal(t, "critical", partOf(t, got, "DIMM_A1").Health)
	require.Len(t, got.Log, 4)
}

func TestLogEntriesComeOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	add := func(words string) { r.AddLogEntry(metal.LogEntry{Severity: metal.Note, Message: words}) }
	for range 12 { // past "9", after which "10" comes
		add("early")
	}
	first := r.read(t, "")
	require.Len(t, first.Log, 12)
	require.Empty(t, r.read(t, first.LogMark).Log)

	add("late")
	second := r.read(t, first.LogMark)
	require.Len(t, second.Log, 1)
	require.Equal(t, "late", second.Log[0].Message)
	require.False(t, second.Cleared)
}

func TestAClearedLogIsNoticed(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for range 3 {
		r.AddLogEntry(metal.LogEntry{Severity: metal.Note, Message: "early"})
	}
	first := r.read(t, "")
	require.NoError(t, r.driver.ClearLog(t.Context(), r.record))
	shorter := r.read(t, first.LogMark)
	require.True(t, shorter.Cleared)
	require.Len(t, shorter.Log, 1, "the log says itself that it was cleared")

	// A log that has grown past the mark again has another entry by its ID.
	for range 5 {
		r.AddLogEntry(metal.LogEntry{Severity: metal.Note, Message: "afterwards"})
	}
	longer := r.read(t, first.LogMark)
	require.True(t, longer.Cleared)
	require.Len(t, longer.Log, 6)
}

func TestALogThatIsNearlyFullSaysSo(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.False(t, r.read(t, "").LogFull)
	for range redfish.LogCapacity * 95 / 100 {
		r.AddLogEntry(metal.LogEntry{Severity: metal.Note, Message: "noise"})
	}
	require.True(t, r.read(t, "").LogFull)
}

func TestABMCThatHangsGivesNoReading(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.driver.Request = 200 * 1e6
	r.arm(t, redfish.HangInside, 0, 0)
	_, err := r.driver.Read(t.Context(), r.record, "")
	r.requireWeather(t, err)
}
