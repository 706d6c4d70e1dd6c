package workflows

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// accounted holds the whole site against the promises: whatever happened, no
// machine, port, address or order is left in between, and nothing of a tenant
// is where another could find it.
func (w *world) accounted() {
	w.t.Helper()
	ctx, q := w.t.Context(), w.store.Queries()
	byID := map[string]query.ListDevicesRow{}
	for _, d := range w.devices() {
		byID[d.ID] = d
		settled := []metal.DeviceState{metal.Active, metal.Inactive, metal.Failed, metal.Deleted}
		require.Contains(w.t, settled, metal.DeviceState(d.State), "device %s is left in between", d.ID)
		w.deviceAccounted(d)
	}
	machines, err := q.ListMachines(ctx)
	require.NoError(w.t, err)
	for _, m := range machines {
		if m.Site != string(w.site) {
			continue
		}
		w.machineAccounted(m, byID[m.Device])
	}
	w.charged()
}

func (w *world) deviceAccounted(d query.ListDevicesRow) {
	ctx, q := w.t.Context(), w.store.Queries()
	leases, err := q.LeasesOfDevice(ctx, d.ID)
	require.NoError(w.t, err)
	if d.Machine == "" {
		require.Empty(w.t, leases, "device %s has no machine and holds addresses", d.ID)
	} else {
		require.Len(w.t, links(leases), w.wanted(d.Machine), "device %s has a machine and lacks addresses", d.ID)
	}
	if d.State == string(metal.Deleted) {
		require.Empty(w.t, d.Machine, "device %s is deleted and holds a machine", d.ID)
	}
	orders, err := q.OrdersOfDevice(ctx, d.ID)
	require.NoError(w.t, err)
	for _, o := range orders {
		require.NotNil(w.t, o.EndedAt, "order %s of device %s has no outcome", o.ID, d.ID)
	}
	billed, err := q.HasOpenUsage(ctx, d.ID)
	require.NoError(w.t, err)
	alive := d.State == string(metal.Active) || d.State == string(metal.Inactive)
	require.False(w.t, alive && !billed, "device %s is there and not billed", d.ID)
	require.False(w.t, d.Machine == "" && billed, "device %s is billed and not there", d.ID)
}

// links are a device's leases but for what it has of reservations.
func links(leases []query.LeasesOfDeviceRow) []query.LeasesOfDeviceRow {
	return slices.DeleteFunc(leases, func(l query.LeasesOfDeviceRow) bool { return l.Purpose == string(metal.Reservation) })
}

// wanted is how many leases a device on the machine has: three links, and on
// two switches one to the second, and two loopbacks.
func (w *world) wanted(machine string) int {
	if len(w.portsOf(machine)) == 2 {
		return 6
	}
	return 3
}

// portsOf are a machine's ports, the one that boots first.
func (w *world) portsOf(machine string) (all []metal.Port) {
	w.t.Helper()
	rows, err := w.store.Queries().PortsOfMachine(w.t.Context(), machine)
	require.NoError(w.t, err)
	for _, r := range rows {
		all = append(all, metal.Port{Switch: metal.SwitchID(r.Switch), Name: r.Name})
	}
	return all
}

// routesNothing holds that no port of a machine carries a tenant; one that was
// never touched is parked since it was cabled.
func (w *world) routesNothing(machine, what string) {
	w.t.Helper()
	for _, p := range w.portsOf(machine) {
		has := w.ports[p]
		require.Empty(w.t, has.Links, "%s: port %s routes links", what, p)
		require.Empty(w.t, has.Routed, "%s: port %s routes elastic addresses", what, p)
		require.Nil(w.t, has.BGP, "%s: port %s peers", what, p)
	}
}

// carries holds that each port of an active device's machine is its own.
func (w *world) carries(machine, device, what string) {
	w.t.Helper()
	ports := w.portsOf(machine)
	for i, p := range ports {
		has := w.ports[p]
		require.Equal(w.t, metal.DeviceID(device), has.Device, "%s: port %s is another's", what, p)
		require.Len(w.t, has.Links, []int{3, 1}[i], "%s: port %s lacks links", what, p)
		if len(ports) > 1 {
			require.NotNil(w.t, has.BGP, "%s: port %s does not hear of the machine's loopbacks", what, p)
			require.GreaterOrEqual(w.t, len(has.BGP.Announce), 2, "%s: port %s: loopbacks", what, p) // and what its project reserved
		}
	}
}

func (w *world) machineAccounted(m query.ListMachinesRow, d query.ListDevicesRow) {
	ctx, q := w.t.Context(), w.store.Queries()
	b := w.boxes[metal.MachineID(m.ID)]
	intent, err := q.GetBootIntent(ctx, m.ID)
	require.NoError(w.t, err)
	require.Empty(w.t, intent.Run, "machine %s: a run is to be told of its boot, and all are over", m.ID)
	jobs := map[metal.MachineState][]string{metal.Occupied: {"none", "rescue", "ipxe"}, metal.Idle: {"none", "idle"}}
	require.Contains(w.t, append(jobs[metal.MachineState(m.State)], "none"), intent.Job, "machine %s, %s, has a job that nobody waits for", m.ID, m.State)
	what := fmt.Sprintf("machine %s, %s (%s), device %q %s", m.ID, m.State, m.Reason, m.Device, d.State)
	switch metal.MachineState(m.State) {
	case metal.Idle:
		require.Empty(w.t, b.disk, "%s: a tenant's data is in the pool", what)
		require.Equal(w.t, b.on, intent.Job == "idle", "%s: on is %t, and its boot is %s", what, b.on, intent.Job)
		w.routesNothing(m.ID, what)
	case metal.Occupied:
		require.NotEmpty(w.t, m.Device, what)
		if d.State == string(metal.Active) {
			require.Equal(w.t, d.ID, string(b.disk), "%s: what runs is not the device's system", what)
			w.carries(m.ID, d.ID, what)
			require.True(w.t, b.on, "%s: active and off", what)
		}
		if d.State == string(metal.Inactive) {
			require.False(w.t, b.on, "%s: inactive and on", what)
		}
	case metal.Quarantined:
		require.NotEmpty(w.t, m.Reason, what)
		require.True(w.t, !b.on || m.Device != "" || strings.Contains(m.Reason, "not switched off"), "%s: nobody looks at it, and it is on", what)
		if m.Device == "" {
			w.routesNothing(m.ID, what)
		}
	case metal.Enrolled, metal.Retired:
		require.False(w.t, b.on, "%s: nobody looks at it, and it is on", what)
		w.routesNothing(m.ID, what)
	default:
		require.Fail(w.t, "a machine is left in between", what)
	}
}

// reconcile does what the schedule does: it finds what has no run, and gives it
// one. Every run of this world is closed when it is called.
func (w *world) reconcile() {
	w.t.Helper()
	ctx := w.t.Context()
	lost, err := w.store.Unsettled(ctx, 0, 1000)
	require.NoError(w.t, err)
	for _, d := range lost {
		if d.Site == w.site { // a failed Recover says so; the invariants judge it
			_ = w.run(Recover, RunInput{Device: d.Device, Site: d.Site})
		}
	}
	spares, err := w.store.LostSpares(ctx, 0, 1000)
	require.NoError(w.t, err)
	for _, m := range spares {
		if m.Site == w.site {
			_ = w.runAs(MachineRun(m.Machine), Warm, MachineInput{Machine: m.Machine, Site: m.Site}).GetWorkflowError()
		}
	}
	wanted, err := w.store.OpenOrders(ctx, 0, 1000)
	require.NoError(w.t, err)
	for _, o := range wanted {
		if order, err := metal.ParseOrder(o.Order, o.Input); err == nil && strings.HasPrefix(string(o.Order), w.own("")) {
			_ = w.run(runOf(order.Action), w.input(order))
		}
	}
}

// runOf is the run that an order's action starts.
func runOf(action metal.Action) any {
	switch action {
	case metal.ActionProvision:
		return Provision
	case metal.ActionReinstall:
		return Reinstall
	case metal.ActionDeprovision:
		return Deprovision
	case metal.ActionRescue:
		return Rescue
	}
	return Power
}

// devices lists every device of this world.
func (w *world) devices() []query.ListDevicesRow {
	w.t.Helper()
	all, err := w.store.Queries().ListDevices(w.t.Context(), query.ListDevicesParams{WithDeleted: true})
	require.NoError(w.t, err)
	return slices.DeleteFunc(all, func(d query.ListDevicesRow) bool { return d.Site != string(w.site) })
}

// device is how the only device of the world stands.
func (w *world) device() query.ListDevicesRow {
	w.t.Helper()
	all := w.devices()
	require.Len(w.t, all, 1)
	return all[0]
}

// machine is how the i-th machine stands.
func (w *world) machine(i int) query.GetMachineRow {
	w.t.Helper()
	m, err := w.store.Queries().GetMachine(w.t.Context(), string(w.m(i)))
	require.NoError(w.t, err)
	return m
}
