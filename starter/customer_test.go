package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// metro is an API of one project, whose devices come one step further each
// time that they are looked at.
type metro struct {
	mu     sync.Mutex
	made   map[string]any // what the device was ordered with
	looks  int
	states []string // of the device, look by look; the last one stays
	asked  []string
}

const one = "0c8a1d1e-54a8-4f4b-9f50-0d3f5c9b7a01"

func (m *metro) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/metal/v1")
	m.asked = append(m.asked, r.Method+" "+path)
	switch r.Method + " " + path {
	case "GET /projects":
		fmt.Fprintf(w, `{"projects":[{"id":"%s","name":"web"},{"id":"p2","name":"db"}],"meta":{"last_page":1}}`, one)
	case "POST /projects/" + one + "/devices":
		_ = json.NewDecoder(r.Body).Decode(&m.made)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, m.device())
	case "GET /projects/" + one + "/devices":
		fmt.Fprintf(w, `{"devices":[%s],"meta":{"last_page":1}}`, m.device())
	case "GET /devices/" + one:
		state := m.state()
		if state == "gone" {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"errors":["Not found"]}`)
			return
		}
		fmt.Fprint(w, m.device())
		m.looks++
	case "POST /devices/" + one + "/actions":
		w.WriteHeader(http.StatusAccepted)
	case "DELETE /devices/" + one:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"errors":["plan: no plan is called \"x\""]}`)
	}
}

func (m *metro) state() string { return m.states[min(m.looks, len(m.states)-1)] }

func (m *metro) device() string {
	return fmt.Sprintf(`{"id":"%s","hostname":"web1","state":"%s","plan":{"slug":"c1.small"},"operating_system":{"slug":"debian_12"},
		"metro":{"code":"lab"},"tags":["a"],"provisioning_percentage":40,
		"provisioning_events":[{"body":"Image is written","created_at":"2026-11-22T10:00:00Z"},{"body":"Booted","created_at":null}],
		"ip_addresses":[{"address":"198.51.100.1","network":"198.51.100.0","cidr":31,"gateway":"198.51.100.0","public":true,"management":true,"address_family":4}]}`,
		one, m.state())
}

// asks runs a command against an API.
func asks(t *testing.T, api http.Handler, args ...string) (code int, out, errs string) {
	t.Helper()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	var o, e journal
	code = execute(t.Context(), append(args, "--api", server.URL, "--key", "the-secret-key"), &o, &e)
	require.NotContains(t, o.String()+e.String(), "the-secret-key")
	return code, o.String(), e.String()
}

func TestADeviceIsOrderedAndWaitedForWithAWordOnEachStep(t *testing.T) {
	t.Parallel()
	m := &metro{states: []string{"queued", "provisioning", "active"}}
	code, out, errs := asks(t, m, "device", "create", "--project", "web", "--plan", "c1.small", "--os", "debian_12", "--metro", "lab",
		"--hostname", "web1", "--tag", "a", "--private-only", "--wait")
	require.Equal(t, exitDone, code, errs)
	require.Equal(t, map[string]any{
		"plan": "c1.small", "operating_system": "debian_12", "metro": "lab", "hostname": "web1", "tags": []any{"a"},
		"ip_addresses": []any{map[string]any{"address_family": 4.0, "public": false}},
	}, m.made)
	require.Regexp(t, `(?m)^ +[0-9.]+s  queued  40 %  Image is written$`, errs)
	require.Regexp(t, `(?m)^ +[0-9.]+s  provisioning  40 %  Image is written$`, errs)
	require.Regexp(t, `(?m)^ +[0-9.]+s  active$`, errs)
	require.Regexp(t, `(?m)^device +`+one+`$`, out)
	require.Regexp(t, `(?m)^address +198\.51\.100\.1/31, gateway 198\.51\.100\.0 \(public\)$`, out)
}

func TestWaitingForADeviceThatFailsFails(t *testing.T) {
	t.Parallel()
	code, out, errs := asks(t, &metro{states: []string{"reinstalling", "failed"}}, "device", "reinstall", one, "--wait")
	require.Equal(t, exitNot, code)
	require.Empty(t, out)
	require.Contains(t, errs, "device "+one+" failed; see starter device events "+one)
}

func TestADeviceIsGoneWhenNobodyFindsIt(t *testing.T) {
	t.Parallel()
	m := &metro{states: []string{"deprovisioning", "gone"}}
	code, out, errs := asks(t, m, "device", "delete", "web1", "--project", one, "--wait")
	require.Equal(t, exitDone, code, errs)
	require.Equal(t, "device web1 is gone\n", out)
	require.Contains(t, m.asked, "DELETE /devices/"+one)
}

func TestDevicesAreListedAsATableOrAsTheAPIHasThem(t *testing.T) {
	t.Parallel()
	m := &metro{states: []string{"active"}}
	code, out, errs := asks(t, m, "device", "list", "--project", "web")
	require.Equal(t, exitDone, code, errs)
	require.Regexp(t, one+` +web1 +active +c1\.small +debian_12 +lab +198\.51\.100\.1 +a `, out)
	code, out, errs = asks(t, m, "device", "list", "--project", "web", "-o", "json")
	require.Equal(t, exitDone, code, errs)
	var devices []map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &devices))
	require.Equal(t, 40.0, devices[0]["provisioning_percentage"])
}

func TestCustomersAreToldWhatIsWrongInTheAPIsWords(t *testing.T) {
	t.Parallel()
	m := &metro{states: []string{"active"}}
	code, _, errs := asks(t, m, "device", "create", "--project", "p", "--plan", "x", "--os", "y")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "no project of yours is called p; there are: web, db")
	code, _, errs = asks(t, m, "device", "list")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "which project? give --project, one of: web, db")
	code, _, errs = asks(t, m, "my", "project", "create", "x")
	require.Equal(t, exitNot, code)
	require.Equal(t, "starter: create a project: plan: no plan is called \"x\"\n", errs)

	var out, words journal
	require.Equal(t, exitUsage, execute(t.Context(), []string{"plans", "--key-file", t.TempDir() + "/none"}, &out, &words))
	require.Contains(t, words.String(), "no key is given; set MILLWRIGHT_KEY, or run: starter login")
	words = journal{}
	require.Equal(t, exitNot, execute(t.Context(), []string{"plans", "--key", "k", "--api", "http://" + nowhere(t)}, &out, &words))
	require.Contains(t, words.String(), "does not answer: connect: connection refused; is it running, and is MILLWRIGHT_API right?")
	refuses := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errors":["Invalid authentication token"]}`)
	})
	code, _, errs = asks(t, refuses, "plans")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "Invalid authentication token; set MILLWRIGHT_KEY to a key that is valid, or run: starter login")
}
