package deploy

import (
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// live writes what the site's machines come to in some months: one is hot, has
// a dead fan and old firmware, and a BMC that rests.
func (s *site) live(t *testing.T) {
	t.Helper()
	reading := metal.Reading{Machine: s.machine.ID, Power: metal.On, Sensors: []metal.Sensor{
		{Name: "CPU1 Temp", Kind: metal.Temperature, Unit: "C", Value: at(92), HighWarning: at(85), HighCritical: at(95)},
		{Name: "Inlet Temp", Kind: metal.Temperature, Unit: "C", Value: at(24), HighWarning: at(40), HighCritical: at(45)},
		{Name: "Fan 1", Kind: metal.Fan, Unit: "RPM", Value: at(7200)},
		{Name: "Fan 2", Kind: metal.Fan, Unit: "RPM", Value: at(0)},
		{Name: "Blower", Kind: metal.Fan, Unit: "%", Value: at(35)},
	}}
	body, err := json.Marshal(reading)
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), s.env["MILLWRIGHT_POSTGRES"])
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	machine := string(s.machine.ID)
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`update sites set power_budget = 400`, nil},
		{`update plans set spares = 50, warm = 2`, nil},
		{`insert into readings (machine, at, tried_at, power, watts, body) values ($1, now(), now(), 'on', 380, $2)`, []any{machine, body}},
		{`insert into bmc_records (machine, score, rests_until) values ($1, 0.4, now() + interval '1 hour')`, []any{machine}},
		{`insert into issues (machine, look, kind, part, severity, detail, blocks) values
			($1, 'patrol', 'hot-part', 'CPU1 Temp', 'degraded', 'x', false), ($1, 'bmc', 'wrong-firmware', 'bios', 'degraded', 'x', false)`, []any{machine}},
	} {
		_, err := conn.Exec(t.Context(), step.sql, step.args...)
		require.NoError(t, err, step.sql)
	}
}

func at(value float64) *float64 { return &value }
