package api_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// keep keeps a machine for a project, as an operator does.
func (w *world) keep(machine metal.MachineID, project string) string {
	w.t.Helper()
	id, err := w.store.KeepMachine(w.t.Context(), machine, metal.ProjectID(project), metal.HardwareReservationID(uuid.NewString()))
	require.NoError(w.t, err)
	return string(id)
}

func TestAProjectSeesItsReservedMachinesAndNobodyElsesDoes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	mine, theirs := w.keep("m1", w.project), w.keep("m2", w.otherProject)
	list := w.want(200, "collaborator", "GET", "/projects/"+w.project+"/hardware-reservations", nil)
	require.Equal(t, 1.0, list.body["meta"].(map[string]any)["total"])
	r := list.list(t, "hardware_reservations")[0]
	require.Equal(t, mine, r["id"])
	require.Equal(t, mine[:8], r["short_id"])
	require.Equal(t, true, r["provisionable"])
	require.Equal(t, plan, r["plan"].(map[string]any)["slug"])
	require.Equal(t, site, r["facility"].(map[string]any)["code"])
	require.NotContains(t, r, "device")
	require.NotContains(t, list.raw, `"m1"`, "tenants do not learn machines' names")

	one := w.want(200, "project_key", "GET", "/hardware-reservations/"+mine+"?include=project,device", nil)
	require.Equal(t, w.project, one.body["project"].(map[string]any)["id"])
	w.refused(w.do("owner", "GET", "/hardware-reservations/"+theirs, nil), 404, "Not found")
	w.refused(w.do("stranger", "GET", "/hardware-reservations/"+mine, nil), 404, "Not found")
	w.refused(w.do("billing", "GET", "/hardware-reservations/"+mine, nil), 403, "hardware reservation")
}

func TestReservedMachinesAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	w := setup(t)
	free, lost := w.keep("m1", w.project), w.keep("m2", w.project)
	w.exec(`update machines set state = 'quarantined', reason = 'it does not answer' where id = 'm2'`)
	for filter, want := range map[string][]string{
		"": {free, lost}, "provisionable=only": {free}, "state=active": {free}, "state=need_of_service": {lost}, "state=spare": {},
		"query=" + strings.ToUpper(site): {free, lost}, "query=" + plan: {free, lost}, "query=" + lost[:8]: {lost}, "query=nothing": {},
		"per_page=1": {free}, "per_page=1&page=2": {lost}, "per_page=1&page=3": {},
	} {
		ids := []string{}
		for _, r := range w.want(200, "owner", "GET", "/projects/"+w.project+"/hardware-reservations?"+filter, nil).list(t, "hardware_reservations") {
			ids = append(ids, r["id"].(string))
		}
		require.Equal(t, want, ids, filter)
	}
}

func TestAReservedMachineIsMovedByWhoMayInBothProjects(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.keep("m1", w.project)
	second := uuid.NewString()
	w.exec(`insert into projects (id, organization, name) values ($1, $2, 'second')`, second, w.org)
	path := "/hardware-reservations/" + id + "/move"
	to := func(project string) map[string]string { return map[string]string{"project_id": project} }

	w.refused(w.do("owner", "POST", path, to("")), 422, "project_id: missing")
	w.refused(w.do("owner", "POST", path, to(uuid.NewString())), 422, "project_id: you have no project")
	w.refused(w.do("owner", "POST", path, to(w.otherProject)), 422, "project_id: you have no project")
	w.refused(w.do("stranger", "POST", path, to(w.otherProject)), 404, "Not found")
	w.refused(w.do("collaborator", "POST", path, to(second)), 403, "as collaborator")

	got := w.want(201, "admin", "POST", path, to(second), "Idempotency-Key", "once")
	require.Equal(t, "/metal/v1/projects/"+second, got.body["project"].(map[string]any)["href"])
	again := w.want(201, "admin", "POST", path, to(second), "Idempotency-Key", "once")
	require.Equal(t, got.body, again.body)
	require.Empty(t, w.want(200, "owner", "GET", "/projects/"+w.project+"/hardware-reservations", nil).list(t, "hardware_reservations"))
}

func TestAReservedMachineThatIsInUseIsNotMoved(t *testing.T) {
	t.Parallel()
	w := setup(t)
	device := w.active("o-1")
	var machine metal.MachineID
	require.NoError(t, w.sql.QueryRow(t.Context(), `select id from machines where device = $1`, device).Scan(&machine))
	id := w.keep(machine, w.project)
	second := uuid.NewString()
	w.exec(`insert into projects (id, organization, name) values ($1, $2, 'second')`, second, w.org)
	w.refused(w.do("owner", "POST", "/hardware-reservations/"+id+"/move", map[string]string{"project_id": second}), 422, device)
	got := w.want(200, "owner", "GET", "/hardware-reservations/"+id, nil)
	require.Equal(t, "/metal/v1/devices/"+device, got.body["device"].(map[string]any)["href"])
	require.Equal(t, false, got.body["provisionable"])
	w.refused(w.do("owner", "POST", "/hardware-reservations/"+id+"/activate", nil), 422, "spare")
}

func TestADeviceIsOrderedOntoAReservedMachine(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, second := w.keep("m3", w.project), w.keep("m4", w.project)
	theirs := w.keep("m5", w.otherProject)
	order := func(reservation string) map[string]any {
		return map[string]any{"plan": plan, "operating_system": system, "metro": "lab", "hardware_reservation_id": reservation}
	}
	path := "/projects/" + w.project + "/devices"
	w.refused(w.do("owner", "POST", path, order(theirs)), 422, "hardware_reservation_id: ")
	device := w.want(201, "owner", "POST", path, order(second)).body
	require.Equal(t, "/metal/v1/hardware-reservations/"+second, device["hardware_reservation"].(map[string]any)["href"])
	w.refused(w.do("owner", "POST", path, order(second)), 422, "hardware_reservation_id: device "+device["id"].(string))

	next := w.want(201, "owner", "POST", path+"?include=hardware_reservation", order("next-available")).body
	require.Equal(t, first, next["hardware_reservation"].(map[string]any)["id"])
	require.Equal(t, false, next["hardware_reservation"].(map[string]any)["provisionable"])
	w.refused(w.do("owner", "POST", path, order("next-available")), 422, "hardware_reservation_id: none")

	held, err := w.store.ClaimMachine(t.Context(), metal.DeviceID(next["id"].(string)), "")
	require.NoError(t, err)
	require.Equal(t, metal.MachineID("m3"), held.Claim.Machine)
}
