package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func (w *world) level(path string) any {
	w.t.Helper()
	places := w.want(200, "loner", "GET", path, nil).body["capacity"].(map[string]any)
	for _, plans := range places {
		return plans.(map[string]any)[plan].(map[string]any)["level"]
	}
	return nil
}

func TestCapacityIsWhatTheNextOrdersGet(t *testing.T) {
	t.Parallel()
	w := setup(t) // of eight machines
	require.Equal(t, "normal", w.level("/capacity"))
	require.Contains(t, w.want(200, "owner", "GET", "/capacity", nil).body["capacity"], site)
	require.Contains(t, w.want(200, "owner", "GET", "/capacity/metros", nil).body["capacity"], "lab")
	w.want(200, "owner", "GET", "/organizations/"+w.org+"/capacity", nil)
	w.want(200, "owner", "GET", "/organizations/"+w.org+"/capacity/metros", nil)
	w.refused(w.do("stranger", "GET", "/organizations/"+w.org+"/capacity", nil), 404, "Not found")

	w.active("o-1")
	w.active("o-2")
	w.keep("m8", w.project)
	require.Equal(t, "limited", w.level("/capacity"), "five: two have devices, one is kept")
	w.queued("q-1")
	w.queued("q-2")
	w.queued("q-3")
	require.Equal(t, "critical", w.level("/capacity/metros"), "two: three devices wait")
	w.queued("q-4")
	w.queued("q-5")
	require.Equal(t, "unavailable", w.level("/capacity"))
}

// queued orders a device whose run has not begun.
func (w *world) queued(order string) {
	w.t.Helper()
	w.exec(`insert into devices (id, project, site, plan, operating_system, hostname) values (gen_random_uuid()::text, $1, $2, $3, $4, $5)`,
		w.project, site, plan, system, order)
}

func TestACapacityCheckAnswersInTheFormItWasAskedIn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for path, at := range map[string]string{"/capacity/metros": `"metro":"lab"`, "/capacity": `"facility":"lab1"`} {
		for asked, want := range map[string]string{
			`"quantity":8`: `"quantity":8,"available":true`, `"quantity":"8"`: `"quantity":"8","available":true`,
			`"quantity":9`: `"quantity":9,"available":false`, `"quantity":"9"`: `"quantity":"9","available":false`,
			`"tag":"x"`: `"quantity":"1","available":true`, `"quantity":""`: `"quantity":"1","available":true`,
		} {
			got := w.want(200, "read_only", "POST", path, `{"servers":[{`+at+`,"plan":"c1.small",`+asked+`}]}`)
			require.JSONEq(t, `{"servers":[{`+at+`,"plan":"c1.small",`+want+`}]}`, got.raw)
		}
	}
}

func TestACapacityCheckOfNonsenseIsRefusedByField(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for body, field := range map[string]string{
		`{}`:             "servers: missing",
		`{"servers":[]}`: "servers: missing",
		`{"servers":[{"metro":"nowhere","plan":"c1.small","quantity":1}]}`: `metro: no metro is called "nowhere"; there are lab`,
		`{"servers":[{"plan":"c1.small","quantity":1}]}`:                   "metro: missing",
		`{"servers":[{"metro":"lab","plan":"x","quantity":1}]}`:            `plan: no plan is called "x"; there are c1.small`,
		`{"servers":[{"metro":"lab","plan":"c1.small","quantity":0}]}`:     "quantity: ",
		`{"servers":[{"metro":"lab","plan":"c1.small","quantity":"-1"}]}`:  "quantity: ",
		`{"servers":[{"metro":"lab","plan":"c1.small","quantity":1.5}]}`:   "quantity: ",
		`{"servers":[{"metro":"lab","plan":"c1.small","quantity":{}}]}`:    "quantity: ",
		`{"servers":7}`: "servers",
		`{"servers":`:   "body: the JSON breaks off",
		`[]`:            "body: want a JSON object",
	} {
		w.refused(w.do("owner", "POST", "/capacity/metros", body), 422, field)
	}
}
