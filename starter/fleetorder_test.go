package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

const manyWished = `{"quantity":3,"enough":2,"within":"2h","sites":["lab1"],"device":{"project":"acme","plan":"c1.small","operating_system":"debian_12","hostname":"web"}}`

func fleetFlags(more ...string) []string {
	return append([]string{"fleet", "order", "--project", "acme", "--site", "lab1", "--plan", "c1.small", "--os", "debian_12",
		"--quantity", "3", "--enough", "2", "--within", "2h", "--hostname", "web"}, more...)
}

func (w *web) fleet(key, body string) (int, map[string]any) {
	w.t.Helper()
	code, answer, _ := w.ask("POST", "/v1/fleets", body, "Idempotency-Key", key)
	return code, answer
}

func TestAFleetIsOrderedByFlagsOrByAFileAndIsTheSame(t *testing.T) {
	t.Parallel()
	r := setup(t)
	code, out, errs := r.cli(fleetFlags("--id", "f1")...)
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, out, "fleet   f1 (under way)\n")
	require.Contains(t, out, "run     fleet/f1\n")
	require.Contains(t, errs, "the fleet stands: reconcile starts it once Temporal is back")

	file := t.TempDir() + "/fleet.json"
	writeFile(t, file, manyWished)
	code, out, errs = r.cli("fleet", "order", file, "--id", "f1")
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, out, "as it was before")
	code, _, errs = r.cli("fleet", "order", file, "--id", "f1", "--quantity", "4")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "holds the whole fleet")
	code, _, errs = r.cli(append(fleetFlags("--id", "f1"), "--at-once", "7")...)
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "given before with another input")
	code, _, errs = r.cli("fleet", "order", "--quantity", "4")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "sites: 0; want 1 to 100")

	code, out, errs = r.cli("fleet", "list", "--project", "acme")
	require.Equal(t, exitDone, code, errs)
	require.Regexp(t, `\nf1 +acme +c1.small +under way +3 +2 +0 `, out)
	code, _, errs = r.cli("fleet", "cancel", "f2")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "see starter fleet list")
}

func TestAFleetThatFailedFailsWhoWaitsForIt(t *testing.T) {
	t.Parallel()
	r := setup(t)
	code, _, errs := r.cli(fleetFlags("--id", "f1")...)
	require.Equal(t, exitDone, code, errs)
	_, err := r.store.OrderFleet(t.Context(), "f1", 0, 3)
	require.NoError(t, err)
	require.NoError(t, r.store.EndFleet(t.Context(), "f1", "failed", "0 of 3 devices became active"))
	code, out, errs := r.cli(fleetFlags("--id", "f1", "--wait")...)
	require.Equal(t, exitNot, code)
	require.Contains(t, out, "0 of 3 active, 3 ordered, 0 waiting for a machine")
	require.Contains(t, errs, "fleet f1 failed: 0 of 3 devices became active")
	code, out, errs = r.cli("fleet", "show", "f1")
	require.Equal(t, exitDone, code, errs)
	require.Regexp(t, `web-1 +lab1 +queued`, out)
	code, _, errs = r.cli("fleet", "cancel", "f1")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "there is nothing to cancel")
}

func TestTheEndpointTakesAFleetOnce(t *testing.T) {
	t.Parallel()
	temporal := &fakeTemporal{}
	w := serveAPI(t, temporal)
	code, first := w.fleet("f-1", manyWished)
	require.Equal(t, http.StatusAccepted, code, first)
	require.Equal(t, "under way", first["state"])
	require.Equal(t, "fleet/f-1", first["run"])
	code, again := w.fleet("f-1", strings.Replace(manyWished, `"quantity":3,"enough":2`, `"enough":2, "quantity":3`, 1))
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, first, again)
	require.Equal(t, 2, temporal.started["fleet/f-1"], "a start that is repeated finds its run")
	code, shown, _ := w.ask("GET", "/v1/fleets/f-1", "")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, first, shown)

	for _, c := range []struct {
		key, body string
		code      int
		field     any
		text      string
	}{
		{"", manyWished, 400, "Idempotency-Key", "in the header"},
		{"not an ID", manyWished, 422, "Idempotency-Key", "fleet ID"},
		{"f-1", strings.Replace(manyWished, `"quantity":3`, `"quantity":4`, 1), 409, nil, "given before with another input"},
		{"k", strings.Replace(manyWished, `"quantity":3`, `"quantity":3000`, 1), 422, "quantity", "want 1 to 1000"},
		{"k", strings.Replace(manyWished, `"hostname"`, `"name"`, 1), 422, "name", "unknown field"},
		{"k", strings.Replace(manyWished, "lab1", "lab9", 1), 422, "site", "no site is called"},
	} {
		code, answer := w.fleet(c.key, c.body)
		require.Equal(t, c.code, code, c.text)
		require.Equal(t, c.field, answer["field"], c.text)
		require.Contains(t, answer["error"], c.text)
	}
	code, answer, _ := w.ask("GET", "/v1/fleets/none", "")
	require.Equal(t, http.StatusNotFound, code)
	require.Equal(t, "no such fleet", answer["error"])
}

// waits fills the site, and orders one device more, which waits.
func (w *web) waits() metal.DeviceID {
	w.t.Helper()
	w.exec("update machines set state = 'quarantined', reason = 'for a test'")
	code, answer := w.order("late", strings.Replace(wish, "}", `,"wait":"2h"}`, 1))
	require.Equal(w.t, http.StatusAccepted, code, answer)
	held, err := w.store.ClaimInTurn(w.t.Context(), deviceOf(answer), "late")
	require.NoError(w.t, err)
	require.NotNil(w.t, held.Turn)
	return deviceOf(answer)
}

func TestWhoWaitsSeesPlaceAndTimeWhereverTheyLook(t *testing.T) {
	t.Parallel()
	w := serveAPI(t, &fakeTemporal{})
	device := w.waits()
	for _, path := range []string{"/v1/orders/late", "/v1/devices/" + string(device)} {
		_, answer, _ := w.ask("GET", path, "")
		turn, _ := answer["turn"].(map[string]any)
		require.EqualValues(t, 1, turn["place"], path)
		require.NotEmpty(t, turn["until"], path)
	}
	_, answer, _ := w.ask("GET", "/v1/line?project=acme&site=lab1&plan=c1.small", "")
	require.Len(t, answer["waiting"], 1)
	require.Equal(t, string(device), answer["waiting"].([]any)[0].(map[string]any)["device"])
	_, answer, _ = w.ask("GET", "/v1/line?project=other", "")
	require.Equal(t, []any{}, answer["waiting"])

	code, out, errs := w.cli("line", "--site", "lab1")
	require.Equal(t, exitDone, code, errs)
	require.Regexp(t, `\nlab1 +c1.small +1 +1 +`+string(device)+` +acme +\S+ +\S+ +- +20`, out, "nobody can say when")
	code, out, _ = w.cli("status", string(device))
	require.Equal(t, exitDone, code)
	require.Contains(t, out, "place 1 of 1, nobody can say when; since ")

	text := w.scrape()
	require.Contains(t, text, `millwright_line_waiting{plan="c1.small",site="lab1"} 1`+"\n")
	require.Regexp(t, `millwright_line_longest_seconds\{plan="c1.small",site="lab1"\} \d`, text)
	require.Contains(t, text, `millwright_line_expected_seconds{plan="c1.small",site="lab1"} NaN`+"\n")
}

func TestProvisionWaitsInLineWhenItIsToldTo(t *testing.T) {
	t.Parallel()
	r := setup(t)
	code, _, errs := r.cli(provision("--id", "o1", "--wait-in-line", "90m")...)
	require.Equal(t, exitDone, code, errs)
	orders, err := r.store.OpenOrders(t.Context(), 0, 1)
	require.NoError(t, err)
	require.Contains(t, string(orders[0].Input), `"wait": "1h30m0s"`)
	code, _, errs = r.cli(provision("--wait-in-line", "90")...)
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "no span of time")
}
