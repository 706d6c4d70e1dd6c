package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"millwright/internal/metal"
)

// trip is a run on a machine that no device lives on.
type trip struct {
	name  string
	run   any
	calls []string             // of an undisturbed run
	good  metal.MachineState   // in which the machine ends when nothing happened
	ends  []metal.MachineState // in which it may end, whatever happened
	lasts time.Duration        // longer than an undisturbed run
}

var trips = []trip{
	{
		name: "Commission", run: Commission,
		calls: []string{"ClaimAside", "RotatePassword", "SecureBMC", "ParkPort", "BootAgent", "PowerOff", "PowerOn",
			"SecureBMC", "CompareMachine", "BootAgent", "PowerOff", "ReleaseProven"},
		good: metal.Idle, ends: []metal.MachineState{metal.Idle, metal.Enrolled, metal.Quarantined}, lasts: 6 * time.Minute,
	},
	{
		name: "Inspect", run: Inspect,
		calls: []string{"ClaimAside", "ParkPort", "BootAgent", "PowerOff", "PowerOn", "SecureBMC", "CompareMachine", "PowerOff", "PutBack"},
		good:  metal.Enrolled, ends: []metal.MachineState{metal.Enrolled, metal.Quarantined, metal.Idle}, lasts: 4 * time.Minute,
	},
	{
		name: "Retire", run: Retire,
		calls: []string{"ClaimAside", "ParkPort", "BootAgent", "PowerOff", "PowerOn", "PowerOff", "RetireMachine"},
		good:  metal.Retired, ends: []metal.MachineState{metal.Enrolled, metal.Quarantined, metal.Retired}, lasts: 4 * time.Minute,
	},
}

// came is a world with one machine that came in and that nobody has proven.
func came(t *testing.T, places *places) *world {
	t.Helper()
	w := places.world(t, 1)
	w.exec("update machines set state = 'quarantined', reason = 'x' where site = $1", w.site)
	w.exec("update machines set state = 'maintenance', reason = '', note = 'x', until = now() + interval '1 hour' where site = $1", w.site)
	w.exec("update machines set state = 'enrolled', note = '', until = null where site = $1", w.site)
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	db, err := pgx.Connect(context.Background(), w.dsn)
	require.NoError(w.t, err)
	defer db.Close(context.Background())
	_, err = db.Exec(context.Background(), sql, args...)
	require.NoError(w.t, err)
}

func (w *world) errand(run any, with ...func(*testsuite.TestWorkflowEnvironment)) error {
	w.t.Helper()
	return w.runAs(MachineRun(w.m(1)), run, MachineInput{Machine: w.m(1), Site: w.site}, with...).GetWorkflowError()
}

// settled lets reconcile take up what a lost claim left, then holds the machine
// to the promises.
func (s trip) settled(w *world) {
	w.t.Helper()
	w.spoil = nil
	state := metal.MachineState(w.machine(1).State)
	require.Contains(w.t, s.ends, state)
	if state != metal.Claimed {
		w.accounted()
	}
	if state == metal.Idle {
		require.False(w.t, w.box(1).on && !w.box(1).warm, "an idle machine is off")
	}
	w.reached(1)
}

// reached holds that whoever asks for the i-th machine's credential gets one that
// opens its BMC, whatever befell a change of its password.
func (w *world) reached(i int) {
	w.t.Helper()
	var record struct{ Credential string }
	require.NoError(w.t, json.Unmarshal(w.machine(i).Bmc, &record))
	m := metal.BMC{Machine: w.m(i), Credential: record.Credential}
	_, err := bmc{w}.opens(w.t.Context(), m)
	if err == nil {
		return
	}
	m.Credential = metal.NextBMCCredential(w.m(i))
	_, err = bmc{w}.opens(w.t.Context(), m)
	require.NoError(w.t, err, "no password on record opens the BMC")
}

func TestErrandsOnAMachine(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, s := range trips {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := came(t, places)
			require.NoError(t, w.errand(s.run))
			require.Equal(t, s.calls, w.calls)
			require.Equal(t, string(s.good), w.machine(1).State)
			s.settled(w)
		})
	}
}

func TestErrandsSettleWhicheverStepFails(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, s := range trips {
		for n, call := range s.calls {
			for _, how := range []harm{before, after, lose, twice} {
				t.Run(fmt.Sprintf("%s/%d %s/%s", s.name, n, call, how), func(t *testing.T) {
					t.Parallel()
					w := came(t, places)
					w.spoil = failing(n+1, how)
					err := w.errand(s.run)
					if how == lose || how == twice {
						require.NoError(t, err)
						require.Equal(t, string(s.good), w.machine(1).State)
					}
					if n == 0 && how == after { // the run never heard of its claim
						require.Equal(t, string(metal.Claimed), w.machine(1).State)
						w.lost(s)
					}
					s.settled(w)
				})
			}
		}
	}
}

// lost is what reconcile starts for a machine whose run was lost.
func (w *world) lost(s trip) {
	w.t.Helper()
	w.spoil = nil
	row := w.machine(1)
	require.NoError(w.t, w.errand(onMachine[metal.Errand(row.Errand)]))
}

func TestErrandsCancelledAtAnyMomentSettle(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, s := range trips {
		for at := time.Duration(0); at <= s.lasts; at += 30 * time.Second {
			t.Run(fmt.Sprintf("%s/%s", s.name, at), func(t *testing.T) {
				t.Parallel()
				w := came(t, places)
				_ = w.errand(s.run, cancelAt(at))
				s.settled(w)
			})
		}
	}
}

func TestErrandsCancelledInAnyActivitySettle(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, s := range trips {
		for n, call := range s.calls {
			t.Run(fmt.Sprintf("%s/%d %s", s.name, n, call), func(t *testing.T) {
				t.Parallel()
				w := came(t, places)
				_ = w.errand(s.run, func(env *testsuite.TestWorkflowEnvironment) {
					w.spoil = func(attempt int, _ string) harm {
						if attempt == n+1 {
							env.CancelWorkflow()
						}
						return none
					}
				})
				s.settled(w)
			})
		}
	}
}

// Whatever look finds it, a machine with something that blocks is in quarantine
// with that issue, and no order gets it.
func TestAMachineThatIsNotAsPlannedIsNobodys(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for look, kind := range map[metal.Look]metal.IssueKind{
		metal.LookCompare: metal.MissingMemory, metal.LookPatrol: metal.DeadFan,
	} {
		t.Run(string(look), func(t *testing.T) {
			t.Parallel()
			w := came(t, places)
			w.box(1).finds = finds{look: {{Kind: kind, Part: "A1", Detail: "is not there", Severity: metal.Failing}}}
			require.Equal(t, NotAsPlanned, typeOf(w.errand(Commission)))
			m := w.machine(1)
			require.Equal(t, string(metal.Quarantined), m.State)
			require.Contains(t, m.Reason, string(kind)+" (A1): is not there")
			require.Equal(t, string(metal.HealthFailing), m.Health)
			require.NotEmpty(t, w.run(Provision, w.provision("o1")))
			require.Equal(t, string(metal.Quarantined), w.machine(1).State)

			w.box(1).finds = nil // it was repaired
			require.NoError(t, w.errand(Commission))
			require.Equal(t, string(metal.Idle), w.machine(1).State)
			require.Equal(t, string(metal.HealthOK), w.machine(1).Health)
			require.NoError(t, w.run(Provision, w.provision("o2")))
		})
	}
}

// What a tenant leaves behind in the BMC is mended, and the machine is nobody's
// until it was proven again.
func TestWhatATenantChangedKeepsTheMachineFromTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	require.NoError(t, w.errand(Commission))
	in := w.provision("o1")
	require.NoError(t, w.run(Provision, in))
	password := w.box(1).password
	w.box(1).finds = finds{metal.LookBMC: {{Kind: metal.BMCUsers, Part: "eve", Detail: "is no user of ours", Severity: metal.Failing}}}
	require.NoError(t, w.run(Deprovision, w.ordered("o2", metal.OrderInput{Action: metal.ActionDeprovision, Device: in.Device})))
	require.Equal(t, string(metal.Deleted), w.device().State, "the tenant does not wait for our repair")
	require.Equal(t, string(metal.Quarantined), w.machine(1).State)
	require.Contains(t, w.machine(1).Reason, "bmc-users (eve)")
	require.NotEqual(t, password, w.box(1).password, "the tenant may have read it")
	w.accounted()
	require.NoError(t, w.errand(Commission))
	require.Equal(t, string(metal.Idle), w.machine(1).State)
}

// The answer may be lost, or the step run twice: what was found and mended the
// first time still keeps the machine aside.
func TestWhatWasMendedOnceIsNotForgottenByARepeat(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, how := range []harm{lose, twice} {
		t.Run(how.String(), func(t *testing.T) {
			t.Parallel()
			w := places.world(t, 1)
			require.NoError(t, w.errand(Commission))
			in := w.provision("o1")
			require.NoError(t, w.run(Provision, in))
			w.box(1).finds = finds{metal.LookBMC: {{Kind: metal.BMCUsers, Part: "eve", Detail: "is no user of ours", Severity: metal.Failing}}}
			harmed := false
			w.spoil = func(_ int, name string) harm {
				if name == "SecureBMC" && !harmed {
					harmed = true
					return how
				}
				return none
			}
			require.NoError(t, w.run(Deprovision, w.ordered("o2", metal.OrderInput{Action: metal.ActionDeprovision, Device: in.Device})))
			require.Equal(t, string(metal.Quarantined), w.machine(1).State)
		})
	}
}

// A machine that nobody commissioned has users of who knows whom: they go, and
// are noted.
func TestTheFirstOrderInABMCIsNobodysFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	eve := finds{metal.LookBMC: {{Kind: metal.BMCUsers, Part: "eve", Detail: "is no user of ours", Severity: metal.Failing}}}
	for round, want := range []metal.MachineState{metal.Idle, metal.Quarantined} {
		in := w.provision(metal.OrderID(fmt.Sprintf("in-%d", round)))
		require.NoError(t, w.run(Provision, in))
		w.box(1).finds = maps.Clone(eve)
		require.NoError(t, w.run(Deprovision, w.ordered(metal.OrderID(fmt.Sprintf("out-%d", round)), metal.OrderInput{Action: metal.ActionDeprovision, Device: in.Device})))
		require.Equal(t, string(want), w.machine(1).State, "round %d: %s", round, w.machine(1).Reason)
	}
}

// Before a tenant, too: one that lost a DIMM is given up, and another claimed.
func TestAMachineThatLostAPartIsGivenUpForAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.box(1).finds = finds{metal.LookCompare: {{Kind: metal.MissingMemory, Part: "A1", Detail: "is not there", Severity: metal.Failing}}}
	require.NoError(t, w.run(Provision, w.provision("o1")))
	require.Equal(t, string(w.m(2)), w.device().Machine)
	require.Equal(t, string(metal.Quarantined), w.machine(1).State)
	w.accounted()
}

func TestAPatrolPutsAFailingMachineAsideAndTellsTheTenantOfAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	in := w.provision("o1")
	require.NoError(t, w.run(Provision, in))
	hot := []metal.Finding{{Kind: metal.HotCPU, Part: "CPU1", Detail: "98 C", Severity: metal.Failing}}
	for i := range 2 {
		w.box(i + 1).finds = finds{metal.LookPatrol: hot}
	}
	env := w.runAs(PatrolRun(w.site), Patrol, PatrolInput{Site: w.site})
	require.NoError(t, env.GetWorkflowError())
	var round PatrolResult
	require.NoError(t, env.GetWorkflowResult(&round))
	require.Equal(t, PatrolResult{Visited: 2}, round)
	states := map[string]int{}
	for i := range 2 {
		states[w.machine(i+1).State]++
		require.Equal(t, string(metal.HealthFailing), w.machine(i+1).Health)
	}
	require.Equal(t, map[string]int{"occupied": 1, "quarantined": 1}, states)
	require.Contains(t, w.told(in.Device, "instance.created"), "instance.hardware_failing")
	w.accounted()
}

func TestABMCThatStaysSilentIsAnIssueAfterAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.box(1).mute = true
	for round := range 3 {
		require.Equal(t, string(metal.Idle), w.machine(1).State, "round %d", round)
		require.NoError(t, w.runAs(PatrolRun(w.site), Patrol, PatrolInput{Site: w.site, OlderThan: time.Nanosecond}).GetWorkflowError())
	}
	require.Equal(t, string(metal.Quarantined), w.machine(1).State)
	require.Contains(t, w.machine(1).Reason, "bmc-silent")
	w.box(1).mute = false
	require.NoError(t, w.runAs(PatrolRun(w.site), Patrol, PatrolInput{Site: w.site, OlderThan: time.Nanosecond}).GetWorkflowError())
	require.Equal(t, string(metal.HealthOK), w.machine(1).Health)
}
