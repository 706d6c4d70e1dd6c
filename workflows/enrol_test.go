package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"millwright/activities"
	"millwright/internal/metal"
)

// enrolled writes down a BMC that is to become machine m9, with its password
// sealed.
func (w *world) enrolled(password string) EnrolInput {
	w.t.Helper()
	id, machine := w.own("e1"), metal.MachineID(w.own("m9"))
	sealed, err := w.vault().Seal(metal.Credential{User: "root", Password: password}, metal.EnrolmentCredential(id))
	require.NoError(w.t, err)
	require.NoError(w.t, w.store.WantEnrolment(w.t.Context(), metal.Enrolment{
		ID: id, Site: w.site, Machine: machine, Address: w.own("bmc"), Sealed: sealed,
		Rack: "r1", Unit: 9, Plan: testPlan, Firmware: metal.UEFI,
		NICs: []metal.EnrolledNIC{{Port: metal.Port{Switch: w.tor("r1"), Name: "xe-0/0/9"}}},
	}))
	w.boxes[machine] = &box{password: password}
	return EnrolInput{Enrolment: id, Site: w.site}
}

func (w *world) enrol(in EnrolInput) error {
	w.t.Helper()
	return w.runAs(EnrolRun(in.Enrolment), Enrol, in).GetWorkflowError()
}

func TestABMCThatIsNamedBecomesAMachineThatIsProven(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	require.NoError(t, w.enrol(w.enrolled(firstPassword)))
	m, err := w.store.Queries().GetMachine(t.Context(), w.own("m9"))
	require.NoError(t, err)
	require.Equal(t, string(metal.Idle), m.State, "the commission that follows proved it")
	require.Equal(t, "SN-"+w.own("bmc"), m.Serial)
	require.False(t, m.Filed)
	require.NotEqual(t, firstPassword, w.boxes[metal.MachineID(m.ID)].password, "it has a password of ours")
	require.NoError(t, w.run(Provision, w.provision("o1")))
	require.Equal(t, m.ID, w.device().Machine)
}

func TestAnEnrolmentWhoseAnswerIsLostIsOneMachine(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, how := range []harm{lose, twice} {
		t.Run(how.String(), func(t *testing.T) {
			t.Parallel()
			w := places.world(t, 0)
			in := w.enrolled(firstPassword)
			w.spoil = failing(1, how)
			require.NoError(t, w.enrol(in))
		})
	}
}

func TestABMCThatCannotBeEnrolledLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	in := w.enrolled("wrong")
	require.Equal(t, "BadCredentials", typeOf(w.enrol(in)))
	_, err := w.store.Queries().GetMachine(t.Context(), w.own("m9"))
	require.Error(t, err)
	_, done, err := w.store.Enrolment(t.Context(), in.Enrolment)
	require.NoError(t, err)
	require.True(t, done, "and is not tried again")
}

func TestReconcileProvesWhatCameInAndEnrolsWhatWasLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	in := w.enrolled(firstPassword)
	w.exec("update enrolments set made_at = now() - interval '1 minute' where id = $1", in.Enrolment)
	w.reconciled()
	m, err := w.store.Queries().GetMachine(t.Context(), w.own("m9"))
	require.NoError(t, err)
	require.Equal(t, string(metal.Idle), m.State)
}

func TestMaintenanceThatShouldBeOverIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	require.NoError(t, w.store.Maintain(t.Context(), metal.Word{Machine: w.m(1), By: "ann", Note: "new fan", Until: time.Now().Add(time.Hour)}))
	w.reconciled()
	require.Equal(t, string(metal.Maintenance), w.machine(1).State)
	w.exec("update machines set until = now() - interval '1 minute' where id = $1", w.m(1))
	w.reconciled()
	require.Equal(t, string(metal.Quarantined), w.machine(1).State)
	require.Contains(t, w.machine(1).Reason, "ann: new fan")
}

func TestAPersonTendsABMCBetweenRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	require.NoError(t, w.run(Provision, w.provision("o1")))
	tend := func(i int, verb metal.Tending) error {
		return w.runAs(MachineRun(w.m(i)), Tend, TendInput{Machine: w.m(i), Site: w.site, Verb: verb}).GetWorkflowError()
	}
	occupied, idle := 1, 2
	if w.device().Machine == string(w.m(2)) {
		occupied, idle = 2, 1
	}
	for _, verb := range []metal.Tending{metal.TendRead, metal.TendClearLog, metal.TendReset} {
		require.NoError(t, tend(occupied, verb), verb)
	}
	for _, verb := range []metal.Tending{metal.TendOn, metal.TendOff, metal.TendPassword} {
		require.Equal(t, "WrongState", typeOf(tend(occupied, verb)), "a tenant's machine: %s", verb)
	}
	require.Equal(t, "WrongState", typeOf(tend(idle, metal.TendOn)))
	require.Equal(t, "Unsupported", typeOf(tend(idle, "burn")))
	require.NoError(t, tend(idle, metal.TendPassword))
	require.NotEqual(t, firstPassword, w.box(idle).password)
	require.NoError(t, w.store.Quarantine(t.Context(), metal.Word{Machine: w.m(idle), By: "ann", Note: "smells"}))
	require.NoError(t, tend(idle, metal.TendOn))
	require.True(t, w.box(idle).on)
	require.NoError(t, tend(idle, metal.TendOff))
	w.accounted()
}

// reconciled runs the Reconcile of the schedule, with what it starts.
func (w *world) reconciled() {
	w.t.Helper()
	require.NoError(w.t, w.runAs("reconcile", Reconcile, nil, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterActivity(&activities.Names{Store: w.store})
		env.RegisterActivity(&activities.Webhooks{Store: w.store, Runs: closedRuns{}})
	}).GetWorkflowError())
}
