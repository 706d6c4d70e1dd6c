package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"millwright/internal/bmc/ipmitest"
	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/workflows"
)

// What the BMCs of the warm site say of their processors.
const (
	thermometer = "CPU1 Temp"
	cool        = 45
	warm        = 85 // past the warning
	hot         = 95 // past the critical limit
)

// warmSite is a site of two machines, an idle one and a tenant's, whose BMCs
// somebody else wrote, and whose temperatures a test sets.
type warmSite struct {
	*site
	*testing.T
	sql      *pgxpool.Pool
	bmcs     map[metal.MachineID]*ipmitest.BMC
	device   metal.DeviceID
	occupied metal.MachineID
	idle     metal.MachineID
	rounds   int
}

func startWarmSite(t *testing.T) *warmSite {
	t.Helper()
	w := &warmSite{T: t, bmcs: map[metal.MachineID]*ipmitest.BMC{}}
	described, err := lab.Generate(lab.Size{Name: "lab1", Machines: 2, Racks: 1, Net: 64})
	require.NoError(t, err)
	for i, m := range described.Machines {
		bmc := ipmitest.Start(t)
		bmc.Heat(t, ipmitest.Thermometer{Name: thermometer, Warning: 80, Critical: 90, Nonrecoverable: 100})
		w.bmcs[m.ID], described.Machines[i].BMC = bmc, bmc.Record(m.ID)
	}
	described.Plans[0].Firmware = nil // ipmi_sim has a firmware of its own
	credentials := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(credentials, "bmc"), []byte("admin\n"+ipmitest.Password+"\n"), 0o600))
	w.site = startSiteOf(t, described, credentials)
	w.sql, err = pgxpool.New(t.Context(), w.env["MILLWRIGHT_POSTGRES"])
	require.NoError(t, err)
	t.Cleanup(w.sql.Close)
	w.let()
	for id := range w.bmcs {
		if id != w.occupied {
			w.idle = id
		}
	}
	return w
}

// let gives one of the machines to a tenant, as a run would.
func (w *warmSite) let() {
	w.Helper()
	order, err := metal.ParseOrder("o-1", []byte(`{"action": "provision", "project": "acme", "site": "lab1", "plan": "c1.small", "operating_system": "debian_12"}`))
	require.NoError(w, err)
	_, err = w.store.RecordOrder(w.Context(), order)
	require.NoError(w, err)
	held, err := w.store.ClaimMachine(w.Context(), order.Device, order.ID)
	require.NoError(w, err)
	_, err = w.store.SetPorts(w.Context(), held.Claim, metal.Tenant)
	require.NoError(w, err)
	require.NoError(w, w.store.ActivateDevice(w.Context(), held.Claim, metal.Ending{Order: order.ID, State: metal.Active}))
	w.device, w.occupied = order.Device, held.Claim.Machine
}

// patrol reads both machines, once each.
func (w *warmSite) patrol() error {
	run, err := w.runs.ExecuteWorkflow(w.Context(), client.StartWorkflowOptions{ID: workflows.PatrolRun("lab1"), TaskQueue: workflows.ControlQueue},
		workflows.Patrol, workflows.PatrolInput{Site: "lab1", OlderThan: time.Nanosecond})
	if err != nil {
		return err
	}
	var got workflows.PatrolResult
	if err := run.Get(w.Context(), &got); err != nil {
		return err
	}
	if got.Visited != len(w.bmcs) || got.Silent > 0 {
		return fmt.Errorf("%d BMCs were visited, and %d did not answer", got.Visited, got.Silent)
	}
	w.rounds++
	return nil
}

// become sets the temperature of both machines, and has them read until each
// has these issues open and no others.
func (w *warmSite) become(degrees int, issues ...string) {
	w.Helper()
	for _, b := range w.bmcs {
		b.SetDegrees(w, degrees)
	}
	deadline := time.Now().Add(patience)
	for {
		err := w.patrol()
		if err == nil {
			err = w.differ(issues)
		}
		if err == nil {
			return
		}
		require.True(w, time.Now().Before(deadline), "%v", err)
	}
}

func (w *warmSite) differ(want []string) error {
	for machine := range w.bmcs {
		var open []string
		issues, err := w.store.Issues(w.Context(), machine)
		if err != nil {
			return err
		}
		for _, i := range issues {
			open = append(open, fmt.Sprintf("%s %s of %s", i.Severity, i.Kind, i.Part))
		}
		if strings.Join(open, ", ") != strings.Join(want, ", ") {
			return fmt.Errorf("machine %s has %v open, and %v is wanted", machine, open, want)
		}
	}
	return nil
}

// one asks the database for one value.
func (w *warmSite) one(sql string, args ...any) (text string) {
	w.Helper()
	require.NoError(w, w.sql.QueryRow(w.Context(), sql, args...).Scan(&text))
	return text
}

func (w *warmSite) state(machine metal.MachineID) string {
	w.Helper()
	return w.one(`select state || ', ' || health from machines where id = $1`, machine)
}

// log is what was kept of a machine's event log.
func (w *warmSite) log(machine metal.MachineID) string {
	w.Helper()
	return w.one(`select coalesce(string_agg(severity || ' ' || sensor || ': ' || message, E'\n' order by id), '') from log_entries where machine = $1`, machine)
}

// told is how often the tenant was told that the hardware fails.
func (w *warmSite) told() string {
	w.Helper()
	return w.one(`select count(*)::text from events where device = $1 and kind = 'instance.hardware_failing'`, w.device)
}

// awaitMetrics waits until starter tells all of it.
func (w *warmSite) awaitMetrics(lines ...string) {
	w.Helper()
	require.Eventually(w, func() bool {
		text, err := get("http://" + w.admin["starter"] + "/metrics")
		for _, line := range lines {
			if err != nil || !strings.Contains(text, line+"\n") {
				return false
			}
		}
		return true
	}, patience, 200*time.Millisecond, "%v", lines)
}

func (w *warmSite) awaitAlert(p prometheus, alert string, want map[string]string) {
	w.Helper()
	require.Eventually(w, func() bool {
		states, err := p.alerting(alert)
		return err == nil && fmt.Sprint(states) == fmt.Sprint(want)
	}, 2*patience, 200*time.Millisecond, "%s: %v", alert, want)
}

// From a sensor to whom it concerns, through everything that runs in between:
// ipmi_sim, the worker, Temporal, Postgres, starter and Prometheus.
func TestAHotMachineIsToldOfSetAsideAndAlertedOnUntilItIsCool(t *testing.T) {
	t.Parallel()
	w := startWarmSite(t)
	p := scrapeSite(t, w.site)
	w.become(cool)
	require.Equal(t, "idle, ok", w.state(w.idle))
	require.Empty(t, w.log(w.idle))

	w.become(warm, "degraded hot-part of "+thermometer)
	require.Equal(t, "idle, degraded", w.state(w.idle))
	require.Equal(t, "occupied, degraded", w.state(w.occupied))
	require.Equal(t, "0", w.told(), "a warning is nothing to tell a tenant of")

	w.become(hot, "failing hot-cpu of "+thermometer)
	require.Equal(t, "quarantined, failing", w.state(w.idle))
	require.Equal(t, "occupied, failing", w.state(w.occupied))
	require.Equal(t, "1", w.told())
	w.awaitMetrics(
		`millwright_machine_health{health="failing",plan="c1.small",site="lab1",state="occupied"} 1`,
		`millwright_machine_health{health="failing",plan="c1.small",site="lab1",state="quarantined"} 1`,
		`millwright_machine_issues{kind="hot-cpu",plan="c1.small",severity="failing",site="lab1"} 2`,
		`millwright_machine_celsius{machine="`+string(w.idle)+`",sensor="`+thermometer+`",site="lab1"} 95`,
	)
	w.awaitAlert(p, "TemperatureNearCritical", map[string]string{string(w.idle) + thermometer: "firing", string(w.occupied) + thermometer: "firing"})
	w.awaitAlert(p, "TenantOnFailingMachine", map[string]string{"": "pending"}) // for less than five minutes

	w.become(cool)
	require.Equal(t, "quarantined, ok", w.state(w.idle), "a person looks at it first")
	require.Equal(t, "occupied, ok", w.state(w.occupied))
	require.Equal(t, "1", w.told())
	w.awaitAlert(p, "TemperatureNearCritical", map[string]string{})
	w.awaitAlert(p, "TenantOnFailingMachine", map[string]string{})
}

func TestEachEntryOfAnEventLogIsKeptOnce(t *testing.T) {
	t.Parallel()
	w := startWarmSite(t)
	w.become(hot, "failing hot-cpu of "+thermometer)
	w.bmcs[w.idle].LogCorrected(t)
	require.Eventually(t, func() bool {
		return w.patrol() == nil && strings.Contains(w.log(w.idle), "ECC")
	}, patience, 10*time.Millisecond)
	kept := w.log(w.idle)
	require.Equal(t, 1, strings.Count(kept, "Upper Critical going high"), kept)
	require.Equal(t, 1, strings.Count(kept, "ECC"), kept)
	for range 2 {
		require.NoError(t, w.patrol())
		require.Equal(t, kept, w.log(w.idle))
	}
	require.Equal(t, "1", w.one(`select count(*)::text from readings where machine = $1`, w.idle))
	require.Equal(t, "1", w.one(`select count(*)::text from issues where machine = $1 and closed_at is null`, w.idle))
	require.Equal(t, "1", w.told())
}
