package workflows

import (
	"fmt"
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

const (
	// firstPause is how soon an order tries again to start a device's run while
	// another one holds the device; it doubles up to longestPause.
	firstPause   = time.Second
	longestPause = time.Minute
	// busyLimit is longer than any run may take: an undo gives up after a day.
	busyLimit = 26 * time.Hour
)

// OrderResult is the first outcome of an order: a repeat of its ID gets the
// same device.
type OrderResult struct {
	Order   metal.OrderID  `json:"order"`
	Device  metal.DeviceID `json:"device"`
	Run     string         `json:"run"`               // workflow ID of the device's run
	State   string         `json:"state"`             // started, done or failed
	Outcome string         `json:"outcome,omitempty"` // once it has ended
}

// order is one run of Order.
type order struct {
	*run
	id       metal.OrderID
	recorded activities.RecordOrderResult
}

// Order sees to what somebody wants of a device. Anybody may start it, as
// order/<their id>, with a metal.OrderInput in JSON. It writes the wish as a
// row, cancels the device's open run if the wish contradicts it, starts the
// device's run, again on a timer while another has the device, and ends.
//
// The payload is taken as it comes, so that malformed input ends in
// InvalidOrder instead of a decoder's words.
func Order(ctx workflow.Context, input converter.RawValue) (result OrderResult, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return OrderResult{}, err
	}
	defer func() { r.finish(ctx, err) }()
	o := &order{run: r}
	id, ok := strings.CutPrefix(workflow.GetInfo(ctx).WorkflowExecution.ID, orderPrefix)
	if !ok {
		return OrderResult{}, failure(activities.InvalidOrder, "workflow ID: want %q and the order's own ID", orderPrefix)
	}
	o.id = metal.OrderID(id)
	if err := o.record(ctx, input); err != nil {
		if ctx.Err() != nil {
			return OrderResult{}, o.abandon(ctx, err) // it may be recorded all the same
		}
		return OrderResult{}, err
	}
	if o.recorded.Status.State == "wanted" {
		if err := o.start(ctx); err != nil {
			return OrderResult{}, o.abandon(ctx, err)
		}
		o.recorded.Status.State = "started"
	}
	s := o.recorded.Status
	return OrderResult{Order: s.Order, Device: s.Device, Run: DeviceRun(s.Device), State: s.State, Outcome: s.Outcome}, nil
}

// OrderJSON is an order's JSON as Order takes it.
func OrderJSON(input []byte) converter.RawValue {
	return converter.NewRawValue(&common.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)},
		Data:     input,
	})
}

func (o *order) record(ctx workflow.Context, input converter.RawValue) error {
	if err := o.enter(ctx, StepRecord, string(o.id)); err != nil {
		return err
	}
	var err error
	o.recorded, err = call(ctx, o.run, database, ControlQueue, "record order "+string(o.id),
		orders.RecordOrder, activities.RecordOrderInput{Order: o.id, Input: input.Payload().GetData()})
	o.plan = o.recorded.Status.Plan
	return err
}

// start starts the device's run, and tries again while another one has the
// device. A deprovision asks that one to stop, every time: it may have begun
// since.
func (o *order) start(ctx workflow.Context) error {
	s := o.recorded.Status
	if err := o.enter(ctx, StepStart, string(s.Device), DeviceAttr.ValueSet(string(s.Device)),
		ProjectAttr.ValueSet(string(s.Project)), SiteAttr.ValueSet(string(s.Site)), PlanAttr.ValueSet(string(s.Plan))); err != nil {
		return err
	}
	deadline := workflow.Now(ctx).Add(busyLimit)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		if s.Action == metal.ActionDeprovision {
			// Nothing to cancel is fine: the device has no open run.
			_ = workflow.RequestCancelExternalWorkflow(ctx, DeviceRun(s.Device), "").Get(ctx, nil)
		}
		err := o.startRun(ctx)
		if !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			return err
		}
		if !workflow.Now(ctx).Before(deadline) {
			return failure(DeviceBusy, "device %s: another run has had it for %s; see %s", s.Device, busyLimit, DeviceRun(s.Device))
		}
		if err := o.pause(ctx, pause, deadline); err != nil {
			return err
		}
	}
}

func (o *order) pause(ctx workflow.Context, pause time.Duration, deadline time.Time) error {
	o.status.Awaits, o.status.Deadline, o.status.Next = "the end of "+DeviceRun(o.recorded.Status.Device), deadline, "the order fails as "+DeviceBusy
	workflow.SetCurrentDetails(ctx, "waits for "+o.status.Awaits)
	return workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{Summary: "until " + o.status.Awaits}).Get(ctx, nil)
}

// startRun starts the device's run as a child that outlives its order.
func (o *order) startRun(ctx workflow.Context) error {
	s := o.recorded.Status
	in := RunInput{Device: s.Device, Order: s.Order, Site: s.Site}
	var start any
	switch s.Action {
	case metal.ActionProvision:
		start = Provision
	case metal.ActionReinstall:
		start, in.OperatingSystem, in.ScriptURL = Reinstall, o.recorded.OperatingSystem, o.recorded.ScriptURL
	case metal.ActionDeprovision:
		start = Deprovision
	case metal.ActionRescue:
		start = Rescue
	default:
		start, in.Action = Power, s.Action
	}
	summary := fmt.Sprintf("%s for %s: a %s at %s, ordered as %s", s.Action, s.Project, s.Plan, s.Site, s.Order)
	ctx = childOf(ctx, DeviceRun(s.Device), summary, deviceAttributes(s.Device, s.Project, s.Site, s.Plan))
	return workflow.ExecuteChildWorkflow(ctx, start, in).GetChildWorkflowExecution().Get(ctx, nil)
}

// childOf are the options of a run that outlives whoever starts it. Where it is
// known whose it is, its tasks take turns with those of other projects.
func childOf(ctx workflow.Context, id, summary string, attributes temporal.SearchAttributes) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: id, TaskQueue: ControlQueue, StaticSummary: summary,
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		TypedSearchAttributes: attributes,
		Priority:              Fair(project(attributes)),
	})
}

func project(attributes temporal.SearchAttributes) metal.ProjectID {
	name, _ := attributes.GetKeyword(ProjectAttr)
	return metal.ProjectID(name)
}

// longestKey is what Temporal takes of a fairness key, in bytes.
const longestKey = 64

// Fair lets the tasks of a project's runs take turns with those of others: a
// project with a thousand runs does not keep another's one run waiting.
// Activities inherit it from their run. The server needs matching.enableFairness.
func Fair(of metal.ProjectID) temporal.Priority {
	return temporal.Priority{FairnessKey: string(of[:min(len(of), longestKey)])}
}

func deviceAttributes(d metal.DeviceID, p metal.ProjectID, s metal.SiteID, plan metal.PlanID) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(DeviceAttr.ValueSet(string(d)), ProjectAttr.ValueSet(string(p)),
		SiteAttr.ValueSet(string(s)), PlanAttr.ValueSet(string(plan)))
}

// withBatch adds which batch a run belongs to.
func withBatch(attributes temporal.SearchAttributes, batch string) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(attributes.Copy(), BatchAttr.ValueSet(batch))
}

// abandon ends an order whose device run was never started: it was cancelled,
// or the device stayed busy. The device is left as it is; one that never had a
// machine is failed.
func (o *order) abandon(ctx workflow.Context, cause error) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	_, err := call(ctx, o.run, settling, ControlQueue, "end order "+string(o.id),
		orders.AbandonOrder, activities.AbandonOrderInput{Order: o.id, Outcome: sentence(cause)})
	if err != nil {
		return failure(UndoFailed, "order %s: %s (after: %s)", o.id, sentence(err), sentence(cause))
	}
	return cause
}
