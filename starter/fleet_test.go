package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// read writes what a patrol's visit brought, some time ago.
func (r *rig) read(ago time.Duration, reading metal.Reading) {
	r.t.Helper()
	body, err := json.Marshal(reading)
	require.NoError(r.t, err)
	q := `insert into readings (machine, at, tried_at, power, watts, body) values ('` + string(reading.Machine) + `',
		now() - interval '` + ago.String() + `', now() - interval '` + ago.String() + `', '` + string(reading.Power) + `', `
	watts := "null"
	if reading.Watts != nil {
		text, err := json.Marshal(reading.Watts)
		require.NoError(r.t, err)
		watts = string(text)
	}
	r.exec(q + watts + `, '` + string(body) + `')`)
}

func at(value float64) *float64 { return &value }

// sensors are a machine's as a patrol reads them.
func sensors() []metal.Sensor {
	return []metal.Sensor{
		{Name: "Temp", Kind: metal.Temperature, Unit: "C", Value: at(51), HighWarning: at(85), HighCritical: at(95)},
		{Name: "Temp", Kind: metal.Temperature, Unit: "C", Value: at(88), HighWarning: at(85), HighCritical: at(95)}, // of the second processor
		{Name: "Inlet", Kind: metal.Temperature, Unit: "C", Value: at(24)},
		{Name: "DIMM A1", Kind: metal.Temperature, Unit: "C", State: "absent", Value: at(0)},
		{Name: "Fan 1", Kind: metal.Fan, Unit: "RPM", Value: at(7200)},
		{Name: "Fan 2", Kind: metal.Fan, Unit: "RPM", Value: at(0)},
		{Name: "Fan 2", Kind: metal.Fan, Value: at(30)},
		{Name: "Blower", Kind: metal.Fan, Unit: "%", Value: at(35)},
		{Name: "VBAT", Kind: metal.Volts, Unit: "V", Value: at(3.1)},
	}
}

// watched is a site of two machines after a patrol, with one rack.
func watched(t *testing.T) *web {
	t.Helper()
	w := serveAPI(t, &fakeTemporal{})
	w.read(5*time.Minute, metal.Reading{Machine: "m1", Power: metal.On, Watts: at(212.5), Sensors: sensors()})
	w.read(2*time.Hour, metal.Reading{Machine: "m2", Power: metal.Off, Watts: at(11), Sensors: sensors()})
	w.exec(`update plans set spares = 3, warm = 2`)
	w.exec(`update sites set power_budget = 9000`)
	w.exec(`update machines set health = 'degraded' where id = 'm1'`)
	w.exec(`insert into issues (machine, look, kind, part, severity, detail, blocks) values
		('m1', 'patrol', 'hot-part', 'Temp', 'degraded', 'x', false), ('m1', 'bmc', 'wrong-firmware', 'bios', 'degraded', 'x', false)`)
	w.exec(`insert into issues (machine, look, kind, part, severity, detail, blocks, closed_at) values ('m1', 'patrol', 'dead-fan', 'Fan 2', 'failing', 'x', true, now())`)
	w.exec(`insert into bmc_records (machine, score, rests_until) values ('m1', 0.25, now() + interval '1 min'), ('m2', 0.001, now() - interval '1 min')`)
	return w
}

func TestMetricsTellHowTheFleetIs(t *testing.T) {
	t.Parallel()
	text := watched(t).scrape()
	for _, line := range []string{
		`millwright_machine_health{health="degraded",plan="c1.small",site="lab1",state="idle"} 1`,
		`millwright_machine_health{health="unknown",plan="c1.small",site="lab1",state="idle"} 1`,
		`millwright_machine_issues{kind="hot-part",plan="c1.small",severity="degraded",site="lab1"} 1`,
		`millwright_firmware_behind{component="bios",plan="c1.small",site="lab1"} 1`,
		`millwright_spares{plan="c1.small",site="lab1"} 1`,
		`millwright_spares_wanted{plan="c1.small",site="lab1"} 3`,
		`millwright_warm_machines{plan="c1.small",site="lab1"} 0`,
		`millwright_warm_wanted{plan="c1.small",site="lab1"} 2`,
		`millwright_rack_watts{rack="r1",site="lab1"} 223.5`, // m2 may draw on
		`millwright_site_watts_budget{site="lab1"} 9000`,
		`millwright_bmc_score{machine="m1",site="lab1"} 0.25`,
		`millwright_bmc_resting{machine="m1",site="lab1"} 1`,
	} {
		require.Contains(t, text, line+"\n")
	}
	require.NotContains(t, text, "dead-fan", "that issue is closed")
	require.NotContains(t, text, `millwright_bmc_score{machine="m2"`, "it always answers")
	require.NotContains(t, text, `millwright_bmc_resting{machine="m2"`, "its rest is over")
	require.Regexp(t, `millwright_patrol_age_seconds\{site="lab1"\} 72\d\d`, text)
}
