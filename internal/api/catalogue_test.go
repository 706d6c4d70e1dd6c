package api_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// list is what stands under a key of an answer.
func (a answer) list(t *testing.T, key string) (items []map[string]any) {
	t.Helper()
	raw, err := json.Marshal(a.body[key])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &items), a.raw)
	require.NotNil(t, items, "%s: want a list, though it be empty: %s", key, a.raw)
	return items
}

func TestTheCatalogueHasWhatTheSiteFileSays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	plans := w.want(200, "owner", "GET", "/plans?include=available_in,available_in_metros", nil).list(t, "plans")
	require.Len(t, plans, 1)
	p := plans[0]
	require.Equal(t, plan, p["slug"])
	require.Regexp(t, uuidForm, p["id"])
	require.Equal(t, "standard", p["type"])
	require.Equal(t, []any{"on_demand"}, p["deployment_types"])
	require.Equal(t, site, p["available_in"].([]any)[0].(map[string]any)["code"], "include follows the link")
	require.Equal(t, "lab", p["available_in_metros"].([]any)[0].(map[string]any)["code"])
	specs, err := json.Marshal(p["specs"])
	require.NoError(t, err)
	require.Contains(t, string(specs), `"nics":[{"count":1}]`)

	facility := w.want(200, "owner", "GET", "/facilities", nil).list(t, "facilities")[0]
	require.Equal(t, []any{"baremetal"}, facility["features"])
	require.Equal(t, "lab", facility["metro"].(map[string]any)["code"])

	systems := w.want(200, "owner", "GET", "/operating-systems", nil).list(t, "operating_systems")
	found := false
	for _, o := range systems {
		if o["slug"] == system {
			found = true
			require.Equal(t, []any{plan}, o["provisionable_on"])
		}
	}
	require.True(t, found, "%s", systems)
}

func TestEverythingInTheCatalogueIsFoundByItsWordItsIDAndItsLink(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for list, word := range map[string]string{"plans": "slug", "facilities": "code", "operating-systems": "slug", "locations/metros": "code"} {
		key := map[string]string{"operating-systems": "operating_systems", "locations/metros": "metros"}[list]
		if key == "" {
			key = list
		}
		for _, item := range w.want(200, "loner", "GET", "/"+list, nil).list(t, key) {
			for _, name := range []string{item[word].(string), item["id"].(string)} {
				got := w.want(200, "loner", "GET", "/"+list+"/"+name, nil)
				require.Equal(t, item, got.body)
			}
			require.Equal(t, "/metal/v1/"+list+"/"+item["id"].(string), item["href"])
		}
		w.refused(w.do("owner", "GET", "/"+list+"/nothing", nil), 404, "Not found")
		w.refused(w.do("", "GET", "/"+list, nil), 401, "key")
	}
}

func TestTheCatalogueOfAProjectIsForWhoMaySeeTheProject(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, path := range []string{"/projects/" + w.project + "/plans", "/projects/" + w.project + "/facilities",
		"/organizations/" + w.org + "/plans", "/organizations/" + w.org + "/facilities", "/organizations/" + w.org + "/operating-systems"} {
		w.want(200, "admin", "GET", path, nil)
		w.refused(w.do("stranger", "GET", path, nil), 404, "Not found")
		w.refused(w.do("loner", "GET", path, nil), 404, "Not found")
	}
}

func TestPlansAreFiltered(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for filter, want := range map[string]int{
		"": 1, "slug=" + plan: 1, "slug=": 1, "slug=other": 0, "type=standard": 1, "type=custom": 0,
		url.QueryEscape("categories[]") + "=compute": 1, url.QueryEscape("categories[]") + "=storage": 0,
		"categories[]=storage&categories[]=current_gen": 1,
	} {
		require.Len(t, w.want(200, "owner", "GET", "/plans?"+filter, nil).list(t, "plans"), want, filter)
	}
}

func TestASystemWithoutAnImageIsNotOffered(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`update operating_systems set image = null, size = null where id = $1`, system)
	for _, o := range w.want(200, "owner", "GET", "/operating-systems", nil).list(t, "operating_systems") {
		require.NotEqual(t, system, o["slug"])
	}
	w.want(200, "owner", "GET", "/operating-systems/"+system, nil) // devices that run it still link to it
}
