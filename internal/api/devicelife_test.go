package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func (w *world) state(id string) string {
	w.t.Helper()
	return w.want(200, "owner", "GET", "/devices/"+id, nil).body["state"].(string)
}

// wanted are the orders for a device that no run has begun yet.
func (w *world) wanted(id string) (orders []metal.OrderID) {
	w.t.Helper()
	rows, err := w.store.Queries().OrdersOfDevice(w.t.Context(), id)
	require.NoError(w.t, err)
	for _, o := range rows {
		if o.State == "wanted" {
			orders = append(orders, metal.OrderID(o.ID))
		}
	}
	return orders
}

// carriedOut takes the device for its one wanted order, and ends that well, as
// its run would.
func (w *world) carriedOut(id string, action metal.Action, end metal.DeviceState) metal.Holding {
	w.t.Helper()
	orders := w.wanted(id)
	require.Len(w.t, orders, 1)
	held, err := w.store.ClaimDevice(w.t.Context(), metal.ClaimWish{
		Device: metal.DeviceID(id), Order: orders[0], Action: action, OperatingSystem: system,
	})
	require.NoError(w.t, err)
	require.NoError(w.t, w.store.SettleDevice(w.t.Context(), held.Claim, metal.Ending{Order: orders[0], State: end}))
	return held
}

func TestAnActionTakesADeviceOutOfItsStateAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.provisioned("")
	for _, step := range []struct {
		act    string
		during string
		action metal.Action
		end    metal.DeviceState
	}{
		{"power_off", "powering_off", metal.ActionPowerOff, metal.Inactive},
		{"power_on", "powering_on", metal.ActionPowerOn, metal.Active},
		{"reboot", "powering_on", metal.ActionReboot, metal.Active},
		{"rescue", "powering_on", metal.ActionRescue, metal.Active},
		{"reinstall", "reinstalling", metal.ActionReinstall, metal.Active},
	} {
		was := w.state(id)
		answer := w.want(202, "owner", "POST", "/devices/"+id+"/actions", `{"type":"`+step.act+`"}`)
		require.Empty(t, answer.raw, "clients decode no body of an action")
		require.Equal(t, step.during, w.state(id), step.act)
		w.refused(w.do("owner", "POST", "/devices/"+id+"/actions", `{"type":"reboot"}`), 422, step.during)
		held := w.carriedOut(id, step.action, step.end)
		require.EqualValues(t, was, held.Was, "the run begins where the device was: %s", step.act)
		require.EqualValues(t, step.end, w.state(id))
	}
}

// Until its run has begun, an action's state is nobody's leftover; where the
// order is given up, the device is as before.
func TestAnActionThatNobodySeesToIsNotRecovered(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.provisioned("")
	w.runs.away = true
	w.want(202, "owner", "POST", "/devices/"+id+"/actions", `{"type":"reinstall"}`)
	w.exec(`update devices set changed_at = now() - interval '1 hour' where id = $1`, id)
	unsettled, err := w.store.Unsettled(t.Context(), time.Minute, 10)
	require.NoError(t, err)
	require.Empty(t, unsettled)
	lost, err := w.store.OpenOrders(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, lost, 1, "reconcile starts it")
	require.NoError(t, w.store.AbandonOrder(t.Context(), lost[0].Order, "cancelled"))
	require.Equal(t, "active", w.state(id))
}

func TestAnActionThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.provisioned("")
	at := "/devices/" + id + "/actions"
	w.refused(w.do("owner", "POST", at, `{"type":"explode"}`), 422, "type:")
	w.refused(w.do("owner", "POST", at, `{}`), 422, "type:")
	w.refused(w.do("owner", "POST", at, `{"type":"reinstall","preserve_data":true}`), 422, "preserve_data:")
	w.refused(w.do("owner", "POST", at, `{"type":"reinstall","operating_system":"beos"}`), 422, "operating_system:")
	w.refused(w.do("owner", "POST", at, `{"type":"reinstall","ipxe_script_url":"https://example.net/x"}`), 422, "ipxe_script_url:")
	w.refused(w.do("limited_collaborator", "POST", at, `{"type":"reinstall"}`), 403, "change")
	require.Equal(t, "active", w.state(id))
	w.want(202, "limited_collaborator", "POST", at, `{"type":"reboot"}`)
	queued := w.ordered("")
	w.refused(w.do("owner", "POST", "/devices/"+queued+"/actions", `{"type":"power_off"}`), 422, "queued")
}

func TestADeletedDeviceIsDeprovisioningThenGone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.provisioned("")
	w.want(204, "owner", "DELETE", "/devices/"+id, `{"force_delete":false}`)
	require.Equal(t, "deprovisioning", w.state(id))
	w.want(204, "owner", "DELETE", "/devices/"+id+"?force_delete=true", nil)
	orders := w.wanted(id)
	require.Len(t, orders, 1, "deleted twice is deleted once")
	w.refused(w.do("owner", "PATCH", "/devices/"+id, `{"hostname":"late"}`), 422, "deprovisioning")

	// A run that was under way ends after it, and does not bring the device back.
	held, err := w.store.ClaimDevice(t.Context(), metal.ClaimWish{Device: metal.DeviceID(id), Action: metal.ActionRecover})
	require.NoError(t, err)
	require.NoError(t, w.store.SettleDevice(t.Context(), held.Claim, metal.Ending{State: metal.Active}))
	require.Equal(t, "deprovisioning", w.state(id))

	held, err = w.store.ClaimDevice(t.Context(), metal.ClaimWish{Device: metal.DeviceID(id), Order: orders[0], Action: metal.ActionDeprovision})
	require.NoError(t, err)
	w.exec(`update machines set dirty = false where id = $1`, held.Claim.Machine)
	_, err = w.store.ReleaseMachine(t.Context(), held.Claim, 0, metal.Ending{Order: orders[0], State: metal.Deleted})
	require.NoError(t, err)
	w.refused(w.do("owner", "GET", "/devices/"+id, nil), 404, "Not found")
	w.refused(w.do("owner", "DELETE", "/devices/"+id, nil), 404, "Not found")
}

func TestALockedDeviceStays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.provisioned("")
	require.Equal(t, true, w.want(200, "owner", "PATCH", "/devices/"+id, `{"locked":true}`).body["locked"])
	w.refused(w.do("owner", "DELETE", "/devices/"+id, nil), 422, "locked")
	w.refused(w.do("operator", "DELETE", "/devices/"+id, nil), 422, "locked")
	w.refused(w.do("owner", "POST", "/devices/"+id+"/actions", `{"type":"reinstall"}`), 422, "locked")
	past, err := metal.ParseOrder("past-the-api", []byte(`{"action":"deprovision","device":"`+id+`"}`))
	require.NoError(t, err)
	_, err = w.store.RecordOrder(t.Context(), past)
	require.ErrorIs(t, err, metal.ErrWrongState)
	require.Equal(t, "active", w.state(id))
	w.want(202, "owner", "POST", "/devices/"+id+"/actions", `{"type":"power_off"}`)
	w.want(200, "operator", "PUT", "/devices/"+id, `{"locked":false}`)
	w.want(204, "owner", "DELETE", "/devices/"+id, nil)
}

func TestADeviceIsChangedInPlace(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.provisioned(`,"description":"old","userdata":"#!/bin/sh\ntrue","tags":["a"],"termination_time":"2099-01-02T03:04:05Z"`)
	got := w.want(200, "owner", "PUT", "/devices/"+id, `{"hostname":"web2","description":"","tags":[],"userdata":"#!/bin/sh\nfalse",
		"customdata":{"b":2},"network_frozen":true,"always_pxe":false,"ipxe_script_url":"","billing_cycle":"yearly","termination_time":null}`)
	require.Equal(t, "web2", got.body["hostname"])
	require.Equal(t, "", got.body["description"])
	require.Equal(t, []any{}, got.body["tags"])
	require.Equal(t, "#!/bin/sh\nfalse", got.body["userdata"])
	require.Equal(t, map[string]any{"b": 2.0}, got.body["customdata"])
	require.Equal(t, true, got.body["network_frozen"])
	require.Equal(t, "yearly", got.body["billing_cycle"])
	require.Nil(t, got.body["termination_time"])

	kept := w.want(200, "owner", "PATCH", "/devices/"+id, `{"hostname":"","userdata":""}`)
	require.Equal(t, "web2", kept.body["hostname"], "empty means left out")
	require.Equal(t, "", kept.body["userdata"], "user data can be taken away")

	for _, c := range [][2]string{
		{`{"hostname":"under_score"}`, "hostname:"}, {`{"tags":[""]}`, "tags:"}, {`{"customdata":"x"}`, "customdata:"},
		{`{"ipxe_script_url":"https://example.net/x"}`, "ipxe_script_url:"}, {`{"ipxe_script_url":"ftp://example.net/x"}`, "ipxe_script_url:"},
		{`{"termination_time":"2001-01-01T00:00:00Z"}`, "termination_time:"}, {`{"billing_cycle":"never"}`, "billing_cycle:"},
		{`{"always_pxe":true}`, "always_pxe:"}, {`{"spot_instance":true}`, "spot_instance:"}, {`{"locked":"yes"}`, "locked:"},
	} {
		w.refused(w.do("owner", "PUT", "/devices/"+id, c[0]), 422, c[1])
	}
	boots, err := w.store.BootMachines(t.Context(), site)
	require.NoError(t, err)
	for _, m := range boots {
		if m.Tenancy != nil {
			require.Equal(t, "web2", m.Tenancy.Hostname, "the machine is told of it")
		}
	}
}

// boot answers from memory: it hears of what a tenant changed.
func TestBootHearsOfAChangedDevice(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.provisioned("")
	heard, listening := make(chan metal.MachineID, 100), make(chan struct{})
	go func() {
		_ = w.store.ListenBoot(t.Context(), site, func(m metal.MachineID) {
			if m == "" {
				close(listening)
				return
			}
			heard <- m
		})
	}()
	<-listening
	w.want(200, "owner", "PUT", "/devices/"+id, `{"tags":["new"]}`)
	select {
	case m := <-heard:
		require.NotEmpty(t, m)
	case <-time.After(10 * time.Second):
		t.Fatal("boot was not told")
	}
}

func TestATimeToEndIsKept(t *testing.T) {
	t.Parallel()
	w := setup(t)
	kept, locked := w.provisioned(""), w.provisioned(`,"locked":true`)
	ends := w.provisioned(`,"termination_time":"` + time.Now().Add(time.Hour).Format(time.RFC3339) + `"`)
	due, err := w.store.TerminateDue(t.Context())
	require.NoError(t, err)
	require.Empty(t, due, "none is due yet")

	w.exec(`update devices set terminate_at = now() - interval '1 second' where id = any($1)`, []string{ends, locked})
	for range 2 {
		again, err := w.store.TerminateDue(t.Context())
		require.NoError(t, err)
		due = append(due, again...)
	}
	require.Len(t, due, 1, "each is ordered once")
	require.Contains(t, due[0].Order, metal.OrderID("termination-"+ends))
	require.Equal(t, "deprovisioning", w.state(ends))
	require.Equal(t, "active", w.state(kept))
	require.Equal(t, "active", w.state(locked))
	told := 0
	for _, e := range w.want(200, "owner", "GET", "/devices/"+locked+"/events", nil).body["events"].([]any) {
		if e.(map[string]any)["type"] == "instance.termination_held_off" {
			told++
		}
	}
	require.Equal(t, 1, told, "its tenant is told once")

	w.want(200, "owner", "PUT", "/devices/"+locked, `{"locked":false}`)
	due, err = w.store.TerminateDue(t.Context())
	require.NoError(t, err)
	require.Len(t, due, 1, "unlocked, it goes")
}
