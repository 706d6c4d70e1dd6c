package fitness

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"millwright/internal/metal"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func celsius(name string, value float64) metal.Sensor {
	return metal.Sensor{Name: name, Kind: metal.Temperature, Unit: "C", Value: &value, HighWarning: new(85.0), HighCritical: new(95.0)}
}

func rpm(name string, value float64) metal.Sensor {
	return metal.Sensor{Name: name, Kind: metal.Fan, Unit: "RPM", Value: &value, LowCritical: new(300.0), LowWarning: new(500.0)}
}

func volts(value float64) metal.Sensor {
	return metal.Sensor{Name: "12V", Kind: metal.Volts, Unit: "V", Value: &value,
		LowCritical: new(10.8), LowWarning: new(11.2), HighWarning: new(12.8), HighCritical: new(13.2)}
}

func sensors(all ...metal.Sensor) metal.Reading {
	return metal.Reading{Machine: "m1", At: now, Power: metal.On, Sensors: all}
}

func stated(s metal.Sensor, state string) metal.Sensor {
	s.State = state
	return s
}

func logged(sensor, message string, ago time.Duration) metal.Reading {
	return metal.Reading{At: now, Log: []metal.LogEntry{{ID: "1", At: now.Add(-ago), Sensor: sensor, Message: message}}}
}

func parts(kind, health string) metal.Reading {
	return metal.Reading{At: now, Parts: []metal.Part{{Kind: kind, Name: "1", Health: health}}}
}

// judged is what a reading comes to: one kind, or none.
var judged = []struct {
	name     string
	reading  metal.Reading
	kind     metal.IssueKind
	severity metal.Severity
}{
	{"a processor at its limit", sensors(celsius("CPU1 Temp", 95)), metal.HotCPU, metal.Failing},
	{"Dell's name for a processor", sensors(celsius("Temp", 99)), metal.HotCPU, metal.Failing},
	{"a warm processor", sensors(celsius("CPU1 Temp", 90)), metal.HotPart, metal.Degraded},
	{"what supplies a processor", sensors(celsius("CPU1 VRM Temp", 97)), metal.HotPart, metal.Failing},
	{"warm air", sensors(celsius("Inlet Temp", 86)), metal.HotPart, metal.Degraded},
	{"the BMC's word alone", sensors(stated(celsius("CPU1 Temp", 60), "critical")), metal.HotCPU, metal.Failing},
	{"cold air", sensors(metal.Sensor{Name: "Inlet", Kind: metal.Temperature, Value: new(-9.0), LowCritical: new(-7.0)}), metal.SensorAlarm, metal.Failing},
	{"a sensor that reads 255", sensors(celsius("CPU1 Temp", 255)), metal.SensorAlarm, metal.Degraded},
	{"a sensor that reads -128", sensors(stated(celsius("CPU1 Temp", -128), "critical")), metal.SensorAlarm, metal.Degraded},
	{"a sensor that reads no number", sensors(celsius("CPU1 Temp", math.NaN())), metal.SensorAlarm, metal.Degraded},
	{"a sensor that is not there", sensors(stated(celsius("CPU2 Temp", 99), "absent")), "", ""},
	{"a sensor that reads nothing", sensors(metal.Sensor{Name: "CPU2 Temp", Kind: metal.Temperature}), "", ""},
	{"a limit that is none", sensors(metal.Sensor{Name: "CPU1 Temp", Kind: metal.Temperature, Value: new(40.0), HighCritical: new(0.0)}), "", ""},
	{"limits without room", sensors(metal.Sensor{Name: "T", Kind: metal.Temperature, Value: new(40.0), LowCritical: new(30.0), HighCritical: new(30.0)}), "", ""},

	{"a fan that stands", sensors(rpm("FAN1", 0)), metal.DeadFan, metal.Failing},
	{"a fan that stands and has no limits", sensors(metal.Sensor{Name: "FAN1", Kind: metal.Fan, Value: new(0.0)}), metal.DeadFan, metal.Failing},
	{"a fan below its limit", sensors(rpm("FAN1", 290)), metal.DeadFan, metal.Failing},
	{"a fan below its only limit", sensors(metal.Sensor{Name: "FAN1", Kind: metal.Fan, Value: new(300.0), LowWarning: new(400.0)}), metal.DeadFan, metal.Failing},
	{"a slow fan", sensors(rpm("FAN1", 400)), metal.SensorAlarm, metal.Degraded},
	{"a fan of which the BMC says so", sensors(metal.Sensor{Name: "FAN1", Kind: metal.Fan, State: "critical"}), metal.DeadFan, metal.Failing},
	{"a fan that is not there", sensors(stated(rpm("FAN4", 0), "absent")), "", ""},

	{"a low voltage", sensors(volts(10.5)), metal.Voltage, metal.Failing},
	{"a voltage past its warning", sensors(volts(12.9)), metal.Voltage, metal.Degraded},
	{"much power", sensors(metal.Sensor{Name: "Pwr", Kind: metal.Watts, Value: new(900.0), HighCritical: new(800.0)}), metal.SensorAlarm, metal.Degraded},
	{"a machine that is off", metal.Reading{At: now, Power: metal.Off, Sensors: []metal.Sensor{rpm("FAN1", 0), volts(0)}}, "", ""},

	{"a power supply without its cord", sensors(metal.Sensor{Name: "PS1 Status", Kind: metal.Discrete, State: "critical"}), metal.PowerSupply, metal.Degraded},
	{"an open lid", sensors(metal.Sensor{Name: "Intrusion", Kind: metal.Discrete, State: "critical"}), metal.SensorAlarm, metal.Degraded},
	{"a slot's fault", sensors(metal.Sensor{Name: "Drive 3", Kind: metal.Discrete, State: "critical"}), metal.FailingDisk, metal.Failing},
	{"a state that is fine", sensors(metal.Sensor{Name: "PS1 Status", Kind: metal.Discrete, State: "ok"}), "", ""},

	{"a disk that fails", parts("disk", "critical"), metal.FailingDisk, metal.Failing},
	{"a disk that is worn", parts("disk", "warning"), metal.WornDisk, metal.Degraded},
	{"a module with errors", parts("memory", "critical"), metal.MemoryErrors, metal.Failing},
	{"a dead power supply", parts("psu", "critical"), metal.PowerSupply, metal.Degraded},
	{"a processor with a fault", parts("cpu", "critical"), metal.SensorAlarm, metal.Failing},
	{"an empty slot", parts("disk", "absent"), "", ""},
	{"a healthy part", parts("memory", "ok"), "", ""},

	{"an uncorrectable error", logged("DIMM A3", "Uncorrectable ECC", time.Hour), metal.MemoryErrors, metal.Failing},
	{"Dell's words for it", logged("ECC Uncorr Err", "Multi-bit memory errors detected on DIMM_A3", time.Hour), metal.MemoryErrors, metal.Failing},
	{"too many errors that were corrected", logged("Memory", "Correctable ECC logging limit reached", time.Hour), metal.MemoryErrors, metal.Failing},
	{"one error that was corrected", logged("Memory", "Correctable ECC", time.Hour), "", ""},
	{"an error that is withdrawn", logged("Memory", "Uncorrectable ECC (Deasserted)", time.Hour), "", ""},
	{"an error of last year", logged("Memory", "Uncorrectable ECC", 365*24*time.Hour), "", ""},
	{"an error by a clock that was never set", logged("Memory", "Uncorrectable ECC", now.Sub(time.Unix(600, 0))), metal.MemoryErrors, metal.Failing},
	{"a processor that switched itself off", logged("CPU 1", "Thermal Trip", time.Hour), metal.HotCPU, metal.Failing},
	{"a processor's own error", logged("CPU 1", "IERR asserted", time.Hour), metal.SensorAlarm, metal.Degraded},
	{"an entry of no interest", logged("Fan 1", "Lower Critical going low", time.Hour), "", ""},

	{"a log that is nearly full", metal.Reading{LogFull: true}, metal.EventLogFull, metal.Note},
	{"an old firmware", metal.Reading{Firmware: []metal.FirmwareVersion{{Component: "BIOS", Version: "2.1"}}}, metal.WrongFirmware, metal.Degraded},
	{"the right firmware", metal.Reading{Firmware: []metal.FirmwareVersion{{Component: "bios", Version: " 2.12.2 "}, {Component: "raid", Version: "1"}}}, "", ""},
}

func TestAReadingIsJudged(t *testing.T) {
	t.Parallel()
	for _, c := range judged {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found := Judge(c.reading, map[string]string{"bios": "2.12.2"})
			if c.kind == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			require.Equal(t, c.kind, found[0].Kind)
			require.Equal(t, c.severity, found[0].Severity)
			require.NotEmpty(t, found[0].Detail)
		})
	}
}

func TestWhatIsFoundSaysWhichAndByHowMuch(t *testing.T) {
	t.Parallel()
	r := sensors(rpm("FAN2", 0), celsius("CPU1 Temp", 97), rpm("FAN1", 200))
	r.Log = []metal.LogEntry{
		{Sensor: "DIMM A3", Message: "Uncorrectable ECC"}, {Sensor: "DIMM A3", Message: "Uncorrectable ECC"}, {Sensor: "DIMM A3", Message: "Memory parity error"},
	}
	r.Firmware = []metal.FirmwareVersion{{Component: "nic", Version: "1", ID: "slot 1"}, {Component: "nic", Version: "2", ID: "slot 2"}}
	require.Equal(t, []metal.Finding{
		{Kind: metal.WrongFirmware, Part: "nic slot 1", Detail: "the plan says nic 2, and there is 1", Severity: metal.Degraded},
		{Kind: metal.HotCPU, Part: "CPU1 Temp", Detail: "CPU1 Temp reads 97 C, past its limit of 95", Severity: metal.Failing},
		{Kind: metal.DeadFan, Part: "FAN1", Detail: "FAN1 reads 200 RPM, past its limit of 300", Severity: metal.Failing},
		{Kind: metal.DeadFan, Part: "FAN2", Detail: "FAN2 does not turn", Severity: metal.Failing},
		{Kind: metal.MemoryErrors, Part: "DIMM A3", Detail: "the event log says: Memory parity error; the event log says: Uncorrectable ECC", Severity: metal.Failing},
	}, Judge(r, map[string]string{"nic": "2"}))
}

func TestAHealthyReadingHasNoFindings(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := sensors(
			celsius("CPU1 Temp", rapid.Float64Range(-60, 84.9).Draw(t, "celsius")),
			rpm("FAN1", rapid.Float64Range(500.1, 20_000).Draw(t, "rpm")),
			volts(rapid.Float64Range(11.3, 12.7).Draw(t, "volts")),
			metal.Sensor{Name: "Pwr", Kind: metal.Watts, Value: new(rapid.Float64Range(0, 2000).Draw(t, "watts"))},
		)
		for i := range r.Sensors {
			r.Sensors[i].State = rapid.SampledFrom([]string{"", "ok", "OK", "strange"}).Draw(t, "state")
		}
		require.Empty(t, Judge(r, nil))
	})
}

// The further a sensor is from its limits, the worse it is: never the other way.
func TestNoReadingIsBetterForBeingWorse(t *testing.T) {
	t.Parallel()
	bad := func(s metal.Sensor) int {
		found := Judge(sensors(s), nil)
		if len(found) == 0 {
			return 0
		}
		return map[metal.Severity]int{metal.Degraded: 1, metal.Failing: 2}[found[0].Severity]
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(20, 126).Draw(t, "a"), rapid.Float64Range(20, 126).Draw(t, "b")
		require.LessOrEqual(t, bad(celsius("CPU1 Temp", min(a, b))), bad(celsius("CPU1 Temp", max(a, b))))
		a, b = rapid.Float64Range(0, 9000).Draw(t, "c"), rapid.Float64Range(0, 9000).Draw(t, "d")
		require.GreaterOrEqual(t, bad(rpm("FAN1", min(a, b))), bad(rpm("FAN1", max(a, b))))
	})
}
