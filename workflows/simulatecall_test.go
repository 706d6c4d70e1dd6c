//go:build !race

package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// attempt is one try of an activity: it begins, takes effect and answers at
// virtual times that were drawn beforehand. The effect does not depend on the
// run: of one that was terminated or gave up waiting, it happens all the same.
type attempt struct {
	of     *life
	name   string
	arg    any
	n      int
	fate   fate
	begin  time.Duration // from now
	effect time.Duration
	answer time.Duration
	hush   bool // it was told to stop before its effect

	value *common.Payloads
	err   error
}

// call is what Temporal does with an activity: attempts with a limit each, pauses
// that double, a budget of time; a cancelled run waits until the attempt under
// way has ended.
func (s *story) call(ctx workflow.Context, of *life, name string, arg any) (any, error) {
	if slices.Contains(leftOut, name) {
		return nil, nil
	}
	o := workflow.GetActivityOptions(ctx)
	free, _ := workflow.NewDisconnectedContext(ctx)
	until := s.clock().Add(o.ScheduleToCloseTimeout)
	slowest := max(o.RetryPolicy.MaximumInterval, o.ScheduleToCloseTimeout/60) // a day of tries is a matter of minutes between them
	for n, pause := 1, o.RetryPolicy.InitialInterval; ; n, pause = n+1, min(2*pause, slowest) {
		if ctx.Err() != nil {
			return nil, temporal.NewCanceledError()
		}
		a := s.attempt(of, name, arg, n, o)
		if err := s.endure(ctx, free, a, o, until); err != nil {
			a.value, a.err = nil, err
		}
		var failed *temporal.ApplicationError
		switch {
		case a.err == nil:
			return a.value, nil
		case temporal.IsCanceledError(a.err), errors.As(a.err, &failed) && failed.NonRetryable(), ctx.Err() != nil:
			return nil, a.err
		case s.clock().Add(pause).After(until):
			s.say("%s: %s gives up", of, name)
			return nil, a.err
		}
		if workflow.Sleep(ctx, some(s.chance, pause)) != nil {
			return nil, temporal.NewCanceledError()
		}
	}
}

// leftOut are activities that the story has no part for: names and
// webhooks are told of elsewhere.
var leftOut = []string{"BringDueNames", "FindDueWebhooks", "BringNames"}

// attempt draws what becomes of a try, and has it happen.
func (s *story) attempt(of *life, name string, arg any, n int, o workflow.ActivityOptions) *attempt {
	a := &attempt{of: of, name: name, arg: arg, n: n, fate: s.drawn()}
	s.counts.Attempts++
	limit := silence(o)
	takes := some(s.chance, 300*time.Millisecond)
	if a.fate == lags {
		takes = min(some(s.chance, 2*time.Minute), o.StartToCloseTimeout*9/10)
	}
	a.begin = s.queued()
	a.effect = a.begin + takes/2
	a.answer = a.begin + takes
	if a.fate == haunts {
		a.effect, a.answer = a.begin+some(s.chance, o.StartToCloseTimeout/2), a.begin+limit
		if strings.HasPrefix(name, "Power") { // a BMC asks nobody whose turn it is: see docs/simulation.md
			a.effect = a.begin + takes/2
		}
	}
	if a.fate.fatal() && o.ScheduleToCloseTimeout == settling.giveUp && o.HeartbeatTimeout == 0 {
		a.fate = stumbles // what writes what is true already has no reason to fail for good
	}
	if a.fate.fatal() {
		of.refused = append(of.refused, name)
	}
	if a.fate != smooth {
		s.counts.Harmed++
	}
	s.after(a.effect, func() { s.happen(a) })
	return a
}

// silence is how long nobody hears of an attempt before it is taken for dead.
func silence(o workflow.ActivityOptions) time.Duration {
	if o.HeartbeatTimeout > 0 {
		return o.HeartbeatTimeout
	}
	return o.StartToCloseTimeout
}

// endure waits for the attempt's answer, or what there is instead of one.
func (s *story) endure(ctx, free workflow.Context, a *attempt, o workflow.ActivityOptions, until time.Time) error {
	ends, late := s.clock().Add(a.answer), a.fate == haunts
	if ends.After(until) {
		ends, late = until, true
	}
	selector := workflow.NewSelector(free)
	over := false
	selector.AddFuture(workflow.NewTimer(free, max(ends.Sub(s.clock()), 1)), func(workflow.Future) { over = true })
	selector.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	if selector.Select(free); over {
		return s.unheardOf(a, late)
	}
	if effect := ends.Add(-a.answer + a.effect); s.clock().Before(effect) && s.stops(a, o) {
		a.hush = true
		s.say("%s: %s stops before its effect: cancelled", a.of, a.name)
		return temporal.NewCanceledError()
	}
	if err := workflow.Sleep(free, max(ends.Sub(s.clock()), 1)); err != nil { // WaitForCancellation
		return err
	}
	return s.unheardOf(a, late)
}

// stops tells whether a cancelled attempt does not go on: it waits in a queue, or
// hears of it by its heartbeat.
func (s *story) stops(a *attempt, o workflow.ActivityOptions) bool {
	return o.HeartbeatTimeout > 0 && a.fate != haunts && s.chance.IntN(2) == 0
}

func (s *story) unheardOf(a *attempt, late bool) error {
	if !late {
		return nil
	}
	s.say("%s: %s attempt %d is not heard of", a.of, a.name, a.n)
	return temporal.NewTimeoutError(enums.TIMEOUT_TYPE_START_TO_CLOSE, a.err)
}

// happen is the attempt's effect, at its moment.
func (s *story) happen(a *attempt) {
	if a.hush {
		return
	}
	what := fmt.Sprintf("%s: %s %s", a.of, a.name, a.about())
	if a.n > 1 {
		what += fmt.Sprintf(", attempt %d", a.n)
	}
	if a.fate != smooth {
		what += ": " + a.fate.String()
	}
	if err := s.prevented(a); err != nil {
		a.err = err
		s.say("%s: %v", what, err)
		return
	}
	a.value, a.err = s.perform(a)
	if a.fate == echoes {
		a.value, a.err = s.perform(a)
	}
	if a.err != nil {
		what += ": " + sentence(a.err)
	}
	s.say("%s", what)
	switch {
	case a.err == nil && a.fate == mute:
		a.err = errors.New("the answer was lost")
	case a.err == nil && a.fate == spoilt:
		a.err = injected()
	}
	s.watch()
}

// prevented says why nothing happens.
func (s *story) prevented(a *attempt) error {
	switch {
	case s.suffers(theDatabase):
		return errors.New("database: connection refused")
	case a.fate == stumbles:
		return errors.New("connection reset by peer")
	case a.fate == refused:
		return injected()
	}
	return nil
}

// perform runs the real activity, now.
func (s *story) perform(a *attempt) (*common.Payloads, error) {
	s.doing.WorkflowExecution = workflow.Execution{ID: a.of.id, RunID: a.of.id}
	value, err := s.hands.ExecuteActivity(a.name, a.arg)
	if err != nil || !value.HasValue() {
		return nil, err
	}
	if a.name == "ClaimMachine" {
		return s.inVirtualTime(a, value)
	}
	var raw converter.RawValue
	if err := value.Get(&raw); err != nil {
		return nil, err
	}
	return &common.Payloads{Payloads: []*common.Payload{raw.Payload()}}, nil
}

// inVirtualTime moves the end of a wait from the database's clock to the story's.
func (s *story) inVirtualTime(a *attempt, value converter.EncodedValue) (*common.Payloads, error) {
	var claimed activities.ClaimMachineResult
	if err := value.Get(&claimed); err != nil {
		return nil, err
	}
	if a.of.ahead == 0 {
		a.of.ahead = time.Until(s.clock())
	}
	if claimed.Holding.Turn != nil {
		claimed.Holding.Turn.Until = claimed.Holding.Turn.Until.Add(a.of.ahead)
	}
	return converter.GetDefaultDataConverter().ToPayloads(claimed)
}

// about is what an attempt works on, for people.
func (a *attempt) about() string {
	var in struct {
		Claim   metal.Claim
		Machine metal.MachineID
		Device  metal.DeviceID
		Order   metal.OrderID
	}
	raw, err := json.Marshal(a.arg)
	if err == nil && json.Unmarshal(raw, &in) == nil && in.Claim.Machine != "" {
		return fmt.Sprintf("%s epoch %d", in.Claim.Machine, in.Claim.Epoch)
	}
	return string(in.Machine) + string(in.Order)
}
