package workflows

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"millwright/activities"
	"millwright/internal/metal"
	"millwright/internal/webhook"
)

func TestAWebhookHearsOfEventsInTheirOrder(t *testing.T) {
	t.Parallel()
	r := newWorld(t, 0).receives(always(204))
	for i := range 5 {
		r.happens(fmt.Sprintf("thing.happened%d", i))
	}
	require.NoError(t, r.deliver().GetWorkflowError())
	require.Equal(t, []string{"thing.happened0", "thing.happened1", "thing.happened2", "thing.happened3", "thing.happened4"}, r.types)
	for _, d := range r.deliveries() {
		require.Equal(t, metal.Delivered, d.State)
		require.Equal(t, 1, d.Attempts)
		require.Equal(t, 204, d.Code)
	}
	require.NoError(t, r.deliver().GetWorkflowError())
	require.Len(t, r.got, 5, "nothing is due, nothing is posted")
}

func TestADeliveryIsTriedForThreeDaysAndThenGivenUp(t *testing.T) {
	t.Parallel()
	r := newWorld(t, 0).receives(always(500))
	r.happens("thing.happened")
	env := r.deliver()
	require.NoError(t, env.GetWorkflowError())
	require.Len(t, r.got, 11)
	for _, id := range r.got {
		require.Equal(t, r.got[0], id, "one message, one ID")
	}
	d := r.deliveries()[0]
	require.Equal(t, metal.Undone, d.State)
	require.Equal(t, 11, d.Attempts)
	require.Contains(t, d.Outcome, "it answered 500")
	took := env.Now().Sub(d.Made)
	require.Greater(t, took, 3*24*time.Hour)
	require.Less(t, took, 4*24*time.Hour)
	require.Zero(t, r.webhook().Disabled, "one message may be at fault")
	require.False(t, r.webhook().FailingSince.IsZero())
}

func TestAnEndpointThatComesBackGetsWhatItMissed(t *testing.T) {
	t.Parallel()
	r := newWorld(t, 0).receives(func(n int, _ string) int {
		if n <= 4 {
			return 503
		}
		return 200
	})
	r.happens("thing.happened")
	require.NoError(t, r.deliver().GetWorkflowError())
	require.Len(t, r.got, 5)
	require.Equal(t, metal.Delivered, r.deliveries()[0].State)
	require.True(t, r.webhook().FailingSince.IsZero())
}

func TestAMessageThatIsRefusedKeepsNoneBehindItWaiting(t *testing.T) {
	t.Parallel()
	bad := ""
	r := newWorld(t, 0).receives(func(n int, id string) int {
		if n == 1 {
			bad = id
		}
		if id == bad {
			return 422
		}
		return 200
	})
	r.happens("thing.bad")
	r.happens("thing.good")
	require.NoError(t, r.deliver().GetWorkflowError())
	require.Equal(t, []string{"thing.bad", "thing.good", "thing.bad"}, r.types[:3])
	require.Len(t, r.got, 12)
}

func TestAnEndpointThatSaysGoneIsDisabledAtOnce(t *testing.T) {
	t.Parallel()
	r := newWorld(t, 0).receives(always(410))
	r.happens("thing.happened")
	r.happens("thing.happened")
	require.NoError(t, r.deliver().GetWorkflowError())
	require.Len(t, r.got, 1)
	require.Contains(t, r.webhook().Reason, "410 Gone")
	for _, d := range r.deliveries() {
		require.Equal(t, metal.Undone, d.State)
	}
}

func TestAnEndpointThatIsDeadForFiveDaysIsDisabledWithNotice(t *testing.T) {
	t.Parallel()
	r := newWorld(t, 0).receives(always(500))
	r.happens("thing.happened")
	require.NoError(t, r.deliver().GetWorkflowError(), "given up after three days")
	r.happens("thing.happened")
	late := func(env *testsuite.TestWorkflowEnvironment) {
		env.SetStartTime(time.Now().Add(5*24*time.Hour + time.Minute))
	}
	require.NoError(t, r.deliver(late).GetWorkflowError())
	require.Len(t, r.got, 12)
	require.Contains(t, r.webhook().Reason, "no message got through since")
	events, _, err := r.store.ProjectEvents(t.Context(), metal.ProjectID(r.own("p")), false, metal.EventFilter{Types: []string{"webhook.disabled"}, Page: metal.Page{Limit: 10}})
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Contains(t, events[0].Words, string(r.id))
}

func TestSomethingNewIsDeliveredWhileAnotherMessagePauses(t *testing.T) {
	t.Parallel()
	r := newWorld(t, 0).receives(func(n int, _ string) int {
		if n == 3 { // the second message
			return 200
		}
		return 500
	})
	r.happens("thing.first")
	env := r.deliver(func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			r.happens("thing.second")
			env.SignalWorkflow(DueSignal, nil)
		}, 10*time.Second) // the second attempt is at 5 s, the third at 35 s
	})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []string{"thing.first", "thing.first", "thing.second", "thing.first"}, r.types[:4])
	second, first := r.deliveries()[0], r.deliveries()[1]
	require.Equal(t, metal.Delivered, second.State)
	require.Less(t, second.Next.Sub(first.Made), 34*time.Second, "by the run's clock, before the pause was over")
}

func TestADeliverySurvivesWhateverBefallsItsSteps(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for n, call := range []string{"NextDelivery", "Deliver", "NextDelivery"} {
		for _, how := range []harm{lose, twice} {
			t.Run(fmt.Sprintf("%d-%s/%s", n, call, how), func(t *testing.T) {
				t.Parallel()
				r := places.world(t, 0).receives(always(200))
				r.happens("thing.happened")
				r.spoil = failing(n+1, how)
				require.NoError(t, r.deliver().GetWorkflowError())
				require.Len(t, r.got, 1, "what was noted is not posted again")
				require.Equal(t, metal.Delivered, r.deliveries()[0].State)
				require.Equal(t, 1, r.deliveries()[0].Attempts)
			})
		}
		for _, how := range []harm{before, after} {
			t.Run(fmt.Sprintf("%d-%s/%s", n, call, how), func(t *testing.T) {
				t.Parallel()
				r := places.world(t, 0).receives(always(200))
				r.happens("thing.happened")
				r.spoil = failing(n+1, how)
				require.Error(t, r.deliver().GetWorkflowError())
				r.spoil = nil
				require.NoError(t, r.deliver().GetWorkflowError(), "reconcile starts it again")
				require.Len(t, r.got, 1)
				require.Equal(t, metal.Delivered, r.deliveries()[0].State)
			})
		}
	}
}

// unnoted is a database that goes away between a post and its note, once.
type unnoted struct {
	activities.WebhookStore
	times int
}

func (u *unnoted) NoteAttempt(ctx context.Context, a metal.Attempt) (bool, error) {
	if u.times++; u.times == 1 {
		return false, fmt.Errorf("database: no answer")
	}
	return u.WebhookStore.NoteAttempt(ctx, a)
}

func TestAMessageWhoseNoteWasLostComesAgainUnderItsID(t *testing.T) {
	t.Parallel()
	r := newWorld(t, 0).receives(always(200))
	r.happens("thing.happened")
	var s testsuite.WorkflowTestSuite
	env := s.NewTestActivityEnvironment()
	all := &activities.Webhooks{Store: &unnoted{WebhookStore: r.store}, Poster: webhook.NewClient(r.desk.Rules, r.desk.Keys)}
	env.RegisterActivity(all)
	in := activities.DeliverInput{Delivery: r.deliveries()[0].ID, Attempt: 1, At: time.Now(), Pause: time.Second}
	_, err := env.ExecuteActivity(all.Deliver, in)
	require.Error(t, err)
	_, err = env.ExecuteActivity(all.Deliver, in)
	require.NoError(t, err)
	require.Len(t, r.got, 2)
	require.Equal(t, r.got[0], r.got[1])
	_, err = env.ExecuteActivity(all.Deliver, in)
	require.NoError(t, err)
	require.Len(t, r.got, 2)
}

func TestReconcileWakesAWebhookThatNobodySeesTo(t *testing.T) {
	t.Parallel()
	r := newWorld(t, 0).receives(always(200))
	r.happens("thing.happened")
	long := time.Now().Add(-time.Hour)
	_, err := r.store.NoteAttempt(t.Context(), metal.Attempt{Delivery: r.deliveries()[0].ID, Number: 1, At: long, Next: long, Outcome: "no answer"})
	require.NoError(t, err)
	env := r.runAs("reconcile", Reconcile, nil, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterActivity(&activities.Names{Store: r.store})
		env.RegisterActivity(&activities.Webhooks{Store: r.store, Poster: webhook.NewClient(r.desk.Rules, r.desk.Keys), Runs: closedRuns{}})
	})
	require.NoError(t, env.GetWorkflowError())
	var result ReconcileResult
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, 1, result.Webhooks)
	require.Len(t, r.got, 1)
}

func TestALongRunGoesOnInANewHistory(t *testing.T) {
	t.Parallel()
	r := newWorld(t, 0).receives(always(200))
	for range longHistory + 1 {
		r.happens("thing.happened")
	}
	require.ErrorContains(t, r.deliver().GetWorkflowError(), "continue as new")
	require.Len(t, r.got, longHistory)
	require.NoError(t, r.deliver().GetWorkflowError())
	require.Len(t, r.got, longHistory+1)
}
