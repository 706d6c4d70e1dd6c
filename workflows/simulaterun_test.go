//go:build !race

package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"

	"millwright/internal/metal"
)

// life is one run of the story, from its start to its end.
type life struct {
	id, kind string
	n        int
	began    time.Time
	ended    time.Time
	err      error
	busy     int           // activities under way, pauses between attempts included
	ahead    time.Duration // of the database's clock, when it first claimed a machine
	killed   bool          // it was terminated: nothing of it happens any more, but what is under way
	refused  []string      // calls that were made to fail for good
}

func (l *life) String() string { return fmt.Sprintf("#%d %s", l.n, l.kind) }

// narrator stands between the runs and the test environment: it knows which are
// open, calls their activities, and lets them be terminated.
type narrator struct {
	interceptor.WorkerInterceptorBase
	*story
}

func (n *narrator) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	i := &narrated{story: n.story}
	i.Next = next
	return i
}

type narrated struct {
	interceptor.WorkflowInboundInterceptorBase
	*story
	life *life
}

func (n *narrated) Init(next interceptor.WorkflowOutboundInterceptor) error {
	out := &outward{narrated: n}
	out.Next = next
	return n.Next.Init(out)
}

// killSignal terminates a run in the story: Temporal's own way leaves no trace
// in a workflow, and the test environment has none.
const killSignal = "story-kill"

var errTerminated = errors.New("terminated")

// ExecuteWorkflow runs a workflow until it ends or is terminated.
func (n *narrated) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (result any, err error) {
	info := workflow.GetInfo(ctx)
	if info.WorkflowType.Name == "Story" {
		return n.Next.ExecuteWorkflow(ctx, in)
	}
	n.life = &life{id: info.WorkflowExecution.ID, kind: info.WorkflowType.Name, n: len(n.lives) + 1, began: n.clock()}
	n.lives, n.open[n.life.id] = append(n.lives, n.life), n.life
	n.say("%s begins: %s", n.life, n.life.id)
	done := false
	workflow.Go(ctx, func(ctx workflow.Context) {
		result, err = n.Next.ExecuteWorkflow(ctx, in)
		done = true
	})
	free, _ := workflow.NewDisconnectedContext(ctx)
	kill := workflow.GetSignalChannel(free, killSignal)
	if waited := workflow.Await(free, func() bool { return done || kill.Len() > 0 }); waited != nil {
		return nil, waited
	}
	if !done {
		n.life.killed, err = true, errTerminated
	}
	n.end(err)
	return result, err
}

func (n *narrated) end(err error) {
	n.life.ended, n.life.err = n.clock(), err
	delete(n.open, n.life.id)
	n.counts.Runs++
	if err == nil {
		n.say("%s is done", n.life)
	} else {
		n.say("%s ends: %s", n.life, sentence(err))
	}
	n.tidies(n.life)
}

// tidies holds a run that ended by itself to a promise: it leaves its device in a
// state that somebody chose, and nothing for reconcile.
func (s *story) tidies(l *life) {
	device, on := strings.CutPrefix(l.id, devicePrefix)
	if !on || l.killed || l.isStuck() || len(l.refused) > 0 {
		return
	}
	row, err := s.store.Queries().GetDevice(s.t.Context(), device)
	between := []metal.DeviceState{metal.Provisioning, metal.Reinstalling, metal.PoweringOn, metal.PoweringOff, metal.Deprovisioning}
	if err == nil && slices.Contains(between, metal.DeviceState(row.State)) && !l.refusedAtOnce() {
		s.broken("%s ends, and leaves its device %s", l, row.State)
	}
}

// refusedAtOnce tells whether a run may never have had the device, which another,
// lost one had left in between: that is for reconcile.
func (l *life) refusedAtOnce() bool { return l.err != nil && l.kind != "Provision" }

// outward is what a run asks of Temporal.
type outward struct {
	interceptor.WorkflowOutboundInterceptorBase
	*narrated
}

// ExecuteActivity has the story make the attempts.
func (o *outward) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	future, settle := workflow.NewFuture(ctx)
	of := o.life
	of.busy++
	workflow.Go(ctx, func(ctx workflow.Context) {
		value, err := o.call(ctx, of, name, args[0])
		of.busy--
		settle.Set(value, err)
	})
	return future
}

// ExecuteChildWorkflow lets a child that is cancelled from outside end by itself,
// as Temporal does: the test environment ends it at once otherwise.
func (o *outward) ExecuteChildWorkflow(ctx workflow.Context, kind string, args ...any) workflow.ChildWorkflowFuture {
	options := workflow.GetChildWorkflowOptions(ctx)
	options.WaitForCancellation = true
	return o.Next.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, options), kind, args...)
}

// RequestCancelExternalWorkflow cancels an open run; the test environment panics
// where there is none.
func (o *outward) RequestCancelExternalWorkflow(ctx workflow.Context, id, run string) workflow.Future {
	if o.open[id] == nil {
		future, settle := workflow.NewFuture(ctx)
		settle.SetError(errors.New("no open run " + id))
		return future
	}
	o.say("%s cancels %s", o.life, o.open[id])
	return o.Next.RequestCancelExternalWorkflow(ctx, id, run)
}

// impostor tells activities whose attempt they are.
type impostor struct {
	interceptor.WorkerInterceptorBase
	*story
}

func (i *impostor) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &posing{story: i.story}
	in.Next = next
	return in
}

type posing struct {
	interceptor.ActivityInboundInterceptorBase
	*story
}

func (p *posing) Init(next interceptor.ActivityOutboundInterceptor) error {
	out := &posed{story: p.story}
	out.Next = next
	return p.Next.Init(out)
}

type posed struct {
	interceptor.ActivityOutboundInterceptorBase
	*story
}

func (p *posed) GetInfo(ctx context.Context) activity.Info {
	info := p.Next.GetInfo(ctx)
	info.WorkflowExecution = p.doing.WorkflowExecution
	return info
}

func (*posed) RecordHeartbeat(context.Context, ...any) {}

// Open says which runs are open, as Temporal would.
func (s *story) Open(_ context.Context, id string) (bool, error) { return s.open[id] != nil, nil }

// Turn tells a run that waits in line that a machine is there.
func (s *story) Turn(_ context.Context, device metal.DeviceID) error {
	run := DeviceRun(device)
	if s.open[run] == nil {
		return metal.ErrRunOver
	}
	s.after(some(s.chance, time.Second), func() {
		if s.open[run] != nil {
			_ = s.env.SignalWorkflowByID(run, TurnSignal, nil) // over meanwhile: reconcile finds its order
		}
	})
	return nil
}

// someRun is an open run, by chance; nil where none is open.
func (s *story) someRun() *life {
	all := s.openRuns()
	if len(all) == 0 {
		return nil
	}
	return all[s.plot.IntN(len(all))]
}

// openRuns are the runs that are open, oldest first.
func (s *story) openRuns() (all []*life) {
	for _, l := range s.open {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *life) int { return a.n - b.n })
	return all
}

// deliver brings what a machine said to its run: late at times, twice at times,
// and to nobody where the run is over.
func (s *story) deliver(run string, r metal.Report) {
	s.words = append(s.words, r)
	s.say("%s says %s, boot %d: for %s", r.Machine, r.Kind, r.Boot, strings.SplitN(run, "-", 2)[0])
	late := some(s.chance, 50*time.Millisecond)
	if s.healed || s.chance.IntN(10) > 0 {
		s.after(late, func() { s.signal(run, r) })
		return
	}
	s.after(rarely(s.chance, time.Minute), func() { s.signal(run, r) })
	if s.chance.IntN(2) == 0 {
		s.after(late, func() { s.signal(run, r) })
	}
}

func (s *story) signal(run string, r metal.Report) {
	if s.open[run] != nil {
		_ = s.env.SignalWorkflowByID(run, ReportSignal, r) // over meanwhile: nobody is to hear it
	}
}

// isStuck tells whether a run ended with a person called.
func (l *life) isStuck() bool { return l.err != nil && isType(l.err, UndoFailed) }
