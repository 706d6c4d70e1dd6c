package api_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSeveralDevicesAreOrderedTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := w.devices() + "/batch"
	batch := func(quantity int, more string) string {
		return fmt.Sprintf(`{"batches":[{"plan":%q,"operating_system":%q,"facility":%q,"quantity":%d%s}]}`, plan, system, site, quantity, more)
	}
	got := w.want(201, "owner", "POST", at, batch(3, `,"hostname":"web-{{index}}"`), "Idempotency-Key", "b1")
	made := got.body["batches"].([]any)
	require.Len(t, made, 1)
	require.Len(t, made[0].(map[string]any)["devices"], 3)
	id := made[0].(map[string]any)["id"].(string)
	again := w.want(201, "owner", "POST", at, batch(3, `,"hostname":"web-{{index}}"`), "Idempotency-Key", "b1")
	require.Equal(t, id, again.body["batches"].([]any)[0].(map[string]any)["id"])
	names := []string{}
	for _, d := range w.want(200, "owner", "GET", w.devices()+"?sort_by=hostname", nil).body["devices"].([]any) {
		names = append(names, d.(map[string]any)["hostname"].(string))
	}
	require.Equal(t, []string{"web-01", "web-02", "web-03"}, names)

	w.refused(w.do("owner", "POST", at, batch(6, "")), 422, "plan:")
	w.refused(w.do("owner", "POST", at, batch(0, "")), 422, "batches[0].quantity:")
	w.refused(w.do("owner", "POST", at, batch(101, "")), 422, "batches[0].quantity:")
	w.refused(w.do("owner", "POST", at, batch(2, `,"hostnames":["one"]`)), 422, "batches[0].hostnames:")
	w.refused(w.do("owner", "POST", at, batch(2, `,"spot_instance":true`)), 422, "batches[0].spot_instance:")
	w.refused(w.do("owner", "POST", at, batch(2, `,"facility_diversity_level":2`)), 422, "facility_diversity_level:")
	w.refused(w.do("owner", "POST", at, `{}`), 422, "batches:")
	require.EqualValues(t, 3, w.want(200, "owner", "GET", w.devices(), nil).body["meta"].(map[string]any)["total"], "a refused batch leaves nothing")

	require.Len(t, w.want(200, "owner", "GET", "/projects/"+w.project+"/batches", nil).body["batches"], 1)
	require.Equal(t, "in_progress", w.want(200, "owner", "GET", "/batches/"+id, nil).body["state"])
	w.refused(w.do("stranger", "GET", "/batches/"+id, nil), 404, "Not found")
	w.want(204, "owner", "DELETE", "/batches/"+id+"?remove_associated_instances=true", nil)
	w.refused(w.do("owner", "GET", "/batches/"+id, nil), 404, "Not found")
	for _, d := range w.want(200, "owner", "GET", w.devices(), nil).body["devices"].([]any) {
		require.Equal(t, "deprovisioning", d.(map[string]any)["state"])
	}
}

func TestABatchIsSpreadOverSitesAndRacks(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.secondSite()
	body := fmt.Sprintf(`{"batches":[{"plan":%q,"operating_system":%q,"metro":%q,"quantity":4,"facility_diversity_level":2}]}`, plan, system, w.metro())
	w.want(201, "owner", "POST", w.devices()+"/batch", body)
	sites, racks := map[string]int{}, map[string]int{}
	for _, d := range w.want(200, "owner", "GET", w.devices(), nil).body["devices"].([]any) {
		d := d.(map[string]any)
		sites[d["facility"].(map[string]any)["code"].(string)]++
		id := d["id"].(string)
		w.installed("provision-"+id, id)
		m, err := w.store.Queries().MachineOfDevice(t.Context(), id)
		require.NoError(t, err)
		racks[m.Site+"/"+m.Rack]++
	}
	require.Equal(t, map[string]int{site: 2, "lab2": 2}, sites)
	require.Len(t, racks, 4, "each in a rack of its own: %v", racks)
}
