//go:build !race

package workflows

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"millwright/internal/metal"
)

// scenes are what may happen next, with how likely each is.
var scenes = []struct {
	weight int
	play   func(*story, workflow.Context)
}{
	{20, func(s *story, ctx workflow.Context) { s.order(ctx, s.aProvision()) }},
	{12, func(s *story, ctx workflow.Context) { s.order(ctx, s.aWish(metal.ActionDeprovision)) }},
	{7, func(s *story, ctx workflow.Context) { s.order(ctx, s.aWish(metal.ActionReinstall)) }},
	{9, func(s *story, ctx workflow.Context) { s.order(ctx, s.aWish(powers[s.plot.IntN(len(powers))])) }},
	{4, func(s *story, ctx workflow.Context) { s.order(ctx, s.aWish(metal.ActionRescue)) }},
	{5, (*story).repeat},
	{4, func(s *story, ctx workflow.Context) { s.forgottenOrder() }},
	{7, func(s *story, ctx workflow.Context) { s.cancelSome() }},
	{5, func(s *story, ctx workflow.Context) { s.killSome() }},
	{5, func(s *story, ctx workflow.Context) { s.hurrySome() }},
	{6, func(s *story, ctx workflow.Context) { s.lie() }},
	{10, func(s *story, ctx workflow.Context) { s.anOutage() }},
	{9, func(s *story, ctx workflow.Context) { s.aFault() }},
	{8, (*story).anErrand},
	{6, (*story).moveAddress},
	{2, (*story).check},
}

var powers = []metal.Action{metal.ActionPowerOff, metal.ActionPowerOn, metal.ActionReboot}

// play is the story as a run: scenes at moments that chance chose, reconcile now
// and then, and in the end what reconcile finds until it finds nothing.
func (s *story) play(ctx workflow.Context) error {
	if s.script != nil {
		if err := s.script(ctx); err != nil {
			return err
		}
	}
	tended := s.clock()
	for range s.mood.scenes {
		pause := rarely(s.plot, s.mood.pace)
		if s.plot.IntN(3) == 0 {
			pause = some(s.plot, 5*time.Second) // in the middle of what goes on
		}
		if err := workflow.Sleep(ctx, pause); err != nil {
			return err
		}
		s.waits()
		if s.clock().Sub(tended) > s.mood.tending {
			tended = s.clock()
			s.start(ctx, "reconcile", Reconcile)
		}
		s.next(ctx)
	}
	return s.settle(ctx)
}

// next plays one scene.
func (s *story) next(ctx workflow.Context) {
	all := 0
	for _, scene := range scenes {
		all += scene.weight
	}
	x := s.plot.IntN(all)
	for _, scene := range scenes {
		if x -= scene.weight; x < 0 {
			scene.play(s, ctx)
			return
		}
	}
}

// start starts a run of its own. True says that it began; another one may have
// its ID.
func (s *story) start(ctx workflow.Context, id string, run any, args ...any) bool {
	child := childOf(ctx, id, "", temporal.SearchAttributes{})
	err := workflow.ExecuteChildWorkflow(child, run, args...).GetChildWorkflowExecution().Get(ctx, nil)
	if err != nil {
		s.say("%s is not started: %v", id, err)
	}
	return err == nil
}

func (s *story) order(ctx workflow.Context, in metal.OrderInput) {
	if in.Action == "" {
		return // there is no device yet
	}
	o := s.asked(in)
	s.begin(ctx, o)
}

func (s *story) asked(in metal.OrderInput) asked {
	o := asked{id: metal.OrderID(s.own(fmt.Sprintf("o%d", len(s.orders)+1))), in: in}
	s.orders = append(s.orders, o)
	return o
}

// begin starts an Order, as starter does.
func (s *story) begin(ctx workflow.Context, o asked) {
	raw, err := jsonOf(o.in)
	if err != nil {
		s.broken("order %s: %v", o.id, err)
		return
	}
	if parsed, err := metal.ParseOrder(o.id, raw); err == nil && o.in.Action == metal.ActionProvision {
		s.devices = append(s.devices, parsed.Device)
	}
	s.say("order %s: %s", o.id, raw)
	s.start(ctx, OrderRun(o.id), Order, OrderJSON(raw))
}

func (s *story) aProvision() metal.OrderInput {
	in := metal.OrderInput{Action: metal.ActionProvision, Site: s.site, Plan: testPlan,
		Project: []metal.ProjectID{"acme", "bolt", "coil"}[s.plot.IntN(3)]}
	in.OperatingSystem, in.ScriptURL = s.aSystem()
	if s.plot.IntN(3) == 0 {
		in.Wait = metal.Wait(some(s.plot, time.Hour))
	}
	in.AlwaysPXE = in.ScriptURL != "" && s.plot.IntN(2) == 0
	return in
}

func (s *story) aSystem() (metal.OperatingSystemID, string) {
	if s.plot.IntN(5) == 0 {
		return "custom_ipxe", "http://boot.example/x.ipxe"
	}
	return []metal.OperatingSystemID{"debian_12", "ubuntu_24_04"}[s.plot.IntN(2)], ""
}

// aWish is an order about a device: the last ones more often, so that orders
// contradict each other.
func (s *story) aWish(action metal.Action) metal.OrderInput {
	if len(s.devices) == 0 {
		return metal.OrderInput{}
	}
	in := metal.OrderInput{Action: action, Device: s.someDevice()}
	if action == metal.ActionReinstall {
		in.OperatingSystem, in.ScriptURL = s.aSystem()
	}
	return in
}

func (s *story) someDevice() metal.DeviceID {
	if n := len(s.devices); s.plot.IntN(2) == 0 {
		return s.devices[n-1]
	}
	return s.devices[s.plot.IntN(len(s.devices))]
}

func (s *story) someMachine() metal.MachineID { return s.m(1 + s.plot.IntN(s.mood.machines)) }

// repeat gives an order again: the same one, or another one under its ID.
func (s *story) repeat(ctx workflow.Context) {
	if len(s.orders) == 0 {
		return
	}
	o := s.orders[s.plot.IntN(len(s.orders))]
	if s.plot.IntN(3) == 0 {
		o.in = s.aWish(metal.ActionReboot)
	}
	if o.in.Action != "" {
		s.begin(ctx, o)
	}
}

// forgottenOrder is one whose row was written, and whose starter died then.
func (s *story) forgottenOrder() {
	if s.suffers(theDatabase) {
		return
	}
	in := s.aProvision()
	if s.plot.IntN(2) == 0 && len(s.devices) > 0 {
		in = s.aWish(metal.ActionDeprovision)
	}
	o := s.asked(in)
	raw, err := jsonOf(in)
	require.NoError(s.t, err)
	order, err := metal.ParseOrder(o.id, raw)
	if err == nil {
		_, err = s.store.RecordOrder(s.t.Context(), order)
	}
	if err == nil && in.Action == metal.ActionProvision {
		s.devices = append(s.devices, order.Device)
	}
	s.say("order %s: %s: recorded, and not started: %v", o.id, raw, err)
}

func (s *story) cancelSome() {
	if l := s.someRun(); l != nil {
		s.say("somebody cancels %s", l)
		s.env.CancelWorkflowByID(l.id, "")
	}
}

func (s *story) killSome() {
	if l := s.someRun(); l != nil {
		s.say("somebody terminates %s", l)
		_ = s.env.SignalWorkflowByID(l.id, killSignal, nil)
	}
}

func (s *story) hurrySome() {
	l := s.someRun()
	if l == nil {
		return
	}
	s.say("somebody hurries %s", l)
	_ = s.env.UpdateWorkflowByID(l.id, RetryNow, fmt.Sprint(len(s.told)), &updateAnswer{})
}

// lie says what no machine says now: an old report again, one of another
// machine, one of a boot that nobody asked for.
func (s *story) lie() {
	l := s.someRun()
	if l == nil || len(s.words) == 0 {
		return
	}
	r := s.words[s.plot.IntN(len(s.words))]
	switch s.plot.IntN(4) {
	case 0:
		r.Machine = s.someMachine()
	case 1:
		r.Boot += metal.BootNumber(s.plot.IntN(3)) - 1
	case 2:
		r.Kind = []metal.ReportKind{metal.AgentUp, metal.Installed, metal.Erased, metal.PhoneHome}[s.plot.IntN(4)]
	}
	if r.Boot == s.bootOf(r.Machine) && r != s.words[len(s.words)-1] {
		r.Boot += 1000 // what boot signs with a token, nobody else can say
	}
	s.say("a lie to %s: %s of %s, boot %d", l, r.Kind, r.Machine, r.Boot)
	s.signal(l.id, r)
}

// anErrand is a run on a machine that no device lives on, or a round past all.
func (s *story) anErrand(ctx workflow.Context) {
	id := s.someMachine()
	in := MachineInput{Machine: id, Site: s.site}
	switch x := s.plot.IntN(12); {
	case x < 4:
		s.start(ctx, MachineRun(id), Warm, in)
	case x < 8:
		s.start(ctx, MachineRun(id), Commission, in)
	case x < 9:
		s.start(ctx, MachineRun(id), Inspect, in)
	case x < 10:
		s.start(ctx, MachineRun(id), Tend, TendInput{Machine: id, Site: s.site, Verb: metal.TendPassword})
	case x < 11:
		s.start(ctx, PatrolRun(s.site), Patrol, PatrolInput{Site: s.site, OlderThan: time.Nanosecond})
	case s.mood.machines > 3:
		s.start(ctx, MachineRun(id), Retire, in)
	}
}

func (s *story) check(ctx workflow.Context) {
	tor := s.tor([]string{"r1", "r2"}[s.plot.IntN(2)])
	s.start(ctx, SwitchRun(tor), CheckSwitch, SwitchInput{Switch: tor, Site: s.site, Repair: true})
}

// moveAddress gives a reserved address to a device, or takes it away.
func (s *story) moveAddress(ctx workflow.Context) {
	if len(s.devices) == 0 {
		return
	}
	in := AddressInput{Reservation: s.one.reservation, Prefix: s.one.one}
	if s.plot.IntN(4) > 0 {
		in.Device = s.someDevice()
	}
	s.say("%s to %s", in.Prefix, whom(in.Device))
	s.start(ctx, AddressRun(s.one.reservation), Address, in)
}
