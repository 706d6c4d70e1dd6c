package api_test

import (
	"net/netip"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab"
)

// secondSite adds a site in the same metro.
func (w *world) secondSite() {
	w.t.Helper()
	described, err := lab.Generate(lab.Size{Name: "lab2", Prefix: "q", Machines: 4, Racks: 2, Net: 65})
	require.NoError(w.t, err)
	other := netip.MustParsePrefix("203.0.113.0/24") // the first site has the lab's own
	described.Aggregates[0].Prefix, described.Blocks[1].Prefix = other, other
	_, err = w.store.ImportSite(w.t.Context(), described)
	require.NoError(w.t, err)
	w.exec(`update sites set metro = (select metro from sites where id = $1)`, site)
}

func (w *world) metro() (code string) {
	w.t.Helper()
	require.NoError(w.t, w.sql.QueryRow(w.t.Context(), `select metro from sites where id = $1`, site).Scan(&code))
	return code
}

func TestDevicesAreFoundByWhatIsKnownOfThem(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.secondSite()
	a := w.provisioned(`,"hostname":"alpha","tags":["blue","x"],"description":"the first"`)
	b := w.ordered(`,"hostname":"beta","tags":["red"],"facility":"lab2"`)
	c := w.ordered(`,"hostname":"gamma","termination_time":"2099-01-01T00:00:00Z"`)
	seen := w.want(200, "owner", "GET", "/devices/"+a, nil)
	address := seen.body["ip_addresses"].([]any)[0].(map[string]any)["address"].(string)
	var mac string
	require.NoError(t, w.sql.QueryRow(t.Context(), `select n.mac::text from nics n join machines m on m.id = n.machine where m.device = $1 limit 1`, a).Scan(&mac))
	for query, want := range map[string][]string{
		"": {a, b, c}, "search=ALPH": {a}, "search=the+first": {a}, "search=red": {b}, "search=" + c[:9]: {c}, "search=" + address: {a},
		"hostname=beta": {b}, "hostname=bet": {}, "tag=blue": {a}, "tag=blu": {},
		"facility=" + site: {a, c}, "facility=lab2": {b}, "facility=nowhere": {}, "facility=nowhere,lab2": {b},
		"metro=" + w.metro(): {a, b, c}, "metro=xx": {}, "reserved=false": {a, b, c}, "reserved=true": {},
		"type=on_demand": {a, b, c}, "type=reserved": {}, "type=spot": {},
		"mac_address=" + mac: {a}, "has_termination_time=true": {c}, "has_termination_time=false": {a, b},
		"state=active": {a}, "state=queued": {b, c}, "state=never": {},
		"sort_by=hostname&sort_direction=desc": {c, b, a}, "sort_by=created_at&sort_direction=desc": {c, b, a},
	} {
		got := w.want(200, "owner", "GET", w.devices()+"?"+query, nil)
		ids := []string{}
		for _, d := range got.body["devices"].([]any) {
			ids = append(ids, d.(map[string]any)["id"].(string))
		}
		require.Equal(t, want, ids, query)
	}
	for _, bad := range []string{"reserved=maybe", "type=virtual", "page=0", "per_page=x"} {
		w.refused(w.do("owner", "GET", w.devices()+"?"+bad, nil), 422, bad[:4])
	}
}

func TestDevicesAreListedInPages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 5 {
		w.ordered("")
	}
	seen := map[string]bool{}
	next := w.devices() + "?per_page=2&tag="
	for page := 1; next != ""; page++ {
		got := w.want(200, "owner", "GET", next, nil)
		meta := got.body["meta"].(map[string]any)
		require.EqualValues(t, 5, meta["total"])
		require.EqualValues(t, 3, meta["last_page"])
		require.EqualValues(t, page, meta["current_page"])
		for _, d := range got.body["devices"].([]any) {
			seen[d.(map[string]any)["id"].(string)] = true
		}
		next = ""
		if link, more := meta["next"].(map[string]any); more {
			next = link["href"].(string)
			_, err := url.Parse(next)
			require.NoError(t, err)
		}
	}
	require.Len(t, seen, 5)
	behind := w.want(200, "owner", "GET", w.devices()+"?page=9", nil)
	require.Empty(t, behind.body["devices"])
	require.EqualValues(t, 5, behind.body["meta"].(map[string]any)["total"])
	require.Len(t, w.want(200, "owner", "GET", "/organizations/"+w.org+"/devices", nil).body["devices"], 5)
	require.Empty(t, w.want(200, "stranger", "GET", "/organizations/"+w.otherOrg+"/devices", nil).body["devices"])
	w.refused(w.do("stranger", "GET", w.devices(), nil), 404, "Not found")
}
