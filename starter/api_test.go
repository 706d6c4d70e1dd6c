package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	token = "0123456789abcdef-token"
	wish  = `{"action":"provision","project":"acme","site":"lab1","plan":"c1.small","operating_system":"debian_12"}`
)

// web is the endpoint over a socket.
type web struct {
	*rig
	orders *endpoint
	url    string
}

func serveAPI(t *testing.T, temporal *fakeTemporal) *web {
	t.Helper()
	r := setup(t)
	file := t.TempDir() + "/tokens"
	writeFile(t, file, "# billing\n"+token+"\n\nanother-token-of-ours\n")
	tokens, err := readTokens(file)
	require.NoError(t, err)
	w := &web{rig: r, orders: newEndpoint(r.store, temporal, tokens, r.log.logger())}
	server := httptest.NewServer(w.orders.handler())
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// ask sends a request with headers given as name, value, …
func (w *web) ask(method, path, body string, headers ...string) (int, map[string]any, http.Header) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	require.NoError(w.t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(w.t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	answer := map[string]any{}
	if method != http.MethodHead {
		require.NoError(w.t, json.Unmarshal(text, &answer), "%s %s: %s", method, path, text)
	}
	return response.StatusCode, answer, response.Header
}

func (w *web) order(key, body string) (int, map[string]any) {
	w.t.Helper()
	code, answer, _ := w.ask("POST", "/v1/orders", body, "Idempotency-Key", key)
	return code, answer
}

func TestAnOrderGivenFiftyTimesAtOnceIsOneDevice(t *testing.T) {
	t.Parallel()
	temporal := &fakeTemporal{}
	w := serveAPI(t, temporal)
	var all sync.WaitGroup
	var accepted, repeated atomic.Int32
	for range 50 {
		all.Go(func() {
			code, answer := w.order("b-1", wish)
			require.Equal(t, "b-1", answer["order"])
			switch code {
			case http.StatusAccepted:
				accepted.Add(1)
			case http.StatusOK:
				repeated.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, accepted.Load())
	require.EqualValues(t, 49, repeated.Load())
	_, listed, _ := w.ask("GET", "/v1/devices?project=acme", "")
	require.Len(t, listed["devices"], 1)
	require.Len(t, temporal.started, 1)
}

func TestARepeatGetsTheFirstOutcomeAndAnotherBodyAConflict(t *testing.T) {
	t.Parallel()
	temporal := &fakeTemporal{}
	w := serveAPI(t, temporal)
	code, first := w.order("b-1", wish)
	require.Equal(t, http.StatusAccepted, code)
	device := first["device"].(string)
	require.Equal(t, map[string]any{"order": "b-1", "action": "provision", "device": device, "run": "device/" + device, "state": "wanted"}, first)
	w.installed("b-1", deviceOf(first))

	code, again := w.order("b-1", `  {"plan":"c1.small","action":"provision","project":"acme","site":"lab1","operating_system":"debian_12"}`)
	require.Equal(t, http.StatusOK, code, "the same order in another order of keys")
	require.Equal(t, "done", again["state"])
	require.Equal(t, "device is active", again["outcome"])
	require.Equal(t, 1, temporal.started["b-1"], "an order that has ended was started again")

	code, answer := w.order("b-1", strings.Replace(wish, "acme", "other", 1))
	require.Equal(t, http.StatusConflict, code)
	require.Contains(t, answer["error"], "given before with another input")
	_, status, _ := w.ask("GET", "/v1/orders/b-1", "")
	require.Equal(t, again, status)
}

func TestADeviceShowsWhatItsTenantNeeds(t *testing.T) {
	t.Parallel()
	w := serveAPI(t, &fakeTemporal{})
	_, first := w.order("b-1", wish)
	w.installed("b-1", deviceOf(first))
	code, device, _ := w.ask("GET", "/v1/devices/"+string(deviceOf(first)), "")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "active", device["state"])
	require.Equal(t, "m1", device["machine"])
	require.Equal(t, []any{
		map[string]any{"address": "198.51.100.1/31", "gateway": "198.51.100.0", "role": "public"},
		map[string]any{"address": "10.64.0.1/31", "gateway": "10.64.0.0", "role": "private"},
		map[string]any{"address": "2001:db8:64::1/127", "gateway": "2001:db8:64::", "role": "public"},
	}, device["addresses"])
	_, nobody, _ := w.ask("GET", "/v1/devices?project=nobody", "")
	require.Equal(t, map[string]any{"devices": []any{}}, nobody)
}

func TestAnOrderIsTakenWhileTemporalIsAwayOrSlow(t *testing.T) {
	t.Parallel()
	for name, temporal := range map[string]*fakeTemporal{"away": {away: true}, "slow": {slow: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serveAPI(t, temporal)
			require.Equal(t, 2*time.Second, w.orders.office.startLimit)
			w.orders.office.startLimit = 50 * time.Millisecond
			began := time.Now()
			code, answer := w.order("b-1", wish)
			require.Less(t, time.Since(began), patience, "the answer waited for Temporal")
			require.Equal(t, http.StatusAccepted, code)
			require.Equal(t, "wanted", answer["state"])
			require.Contains(t, w.log.String(), "reconcile starts its run")
			orders, err := w.store.OpenOrders(t.Context(), 0, 10)
			require.NoError(t, err)
			require.Len(t, orders, 1, "reconcile would not find it")

			temporal.away, temporal.slow = false, false
			code, _ = w.order("b-1", wish)
			require.Equal(t, http.StatusOK, code)
			require.Equal(t, 1, temporal.started["b-1"], "a repeat starts what was not started")
		})
	}
}

func TestWhatCannotBeIsRefusedByFieldAndCode(t *testing.T) {
	t.Parallel()
	w := serveAPI(t, &fakeTemporal{})
	const unknown = "00000000-0000-4000-8000-000000000000"
	for _, c := range []struct {
		key, body string
		code      int
		field     any
		text      string
	}{
		{"", wish, 400, "Idempotency-Key", "in the header Idempotency-Key"},
		{"not an ID", wish, 422, "Idempotency-Key", "want 1 to 200 of"},
		{"k", "", 422, nil, "empty; want one JSON object"},
		{"k", "{", 422, nil, "input: "},
		{"k", wish + wish, 422, nil, "more than one JSON object"},
		{"k", `{"action":"provision","colour":"red"}`, 422, "colour", `unknown field "colour"`},
		{"k", `{"action":"provision","project":7}`, 422, "project", "a JSON number does not fit"},
		{"k", strings.Replace(wish, "acme", "", 1), 422, "project", "project: missing"},
		{"k", strings.Replace(wish, "lab1", "lab9", 1), 422, "site", `site: no site is called "lab9"`},
		{"k", strings.Replace(wish, "}", `,"ssh_keys":["no key"]}`, 1), 422, "ssh_keys", "ssh_keys[0]: no public key"},
		{"k", `{"action":"reboot","device":"` + unknown + `"}`, 404, nil, "no such device"},
		{"k", strings.Replace(wish, "}", `,"tags":["`+strings.Repeat("x", 1<<20)+`"]}`, 1), 413, nil, "at most 1 MiB"},
	} {
		code, answer := w.order(c.key, c.body)
		require.Equal(t, c.code, code, c.text)
		require.Equal(t, c.field, answer["field"], c.text)
		require.Contains(t, answer["error"], c.text)
		require.NotContains(t, answer["error"], "invalid order")
	}
	_, first := w.order("gone", wish)
	w.exec("update devices set state = 'deleted', deleted_at = now()")
	code, answer := w.order("late", `{"action":"reboot","device":"`+first["device"].(string)+`"}`)
	require.Equal(t, http.StatusConflict, code)
	require.Contains(t, answer["error"], "it is deleted")
}

func TestNobodyIsServedWithoutAToken(t *testing.T) {
	t.Parallel()
	w := serveAPI(t, &fakeTemporal{})
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer " + token + "x", "Bearer " + token[1:], "Basic " + token, token} {
		for _, path := range []string{"/v1/devices", "/v1/orders/x", "/nothing"} {
			code, answer, headers := w.ask("GET", path, "", "Authorization", header)
			require.Equal(t, http.StatusUnauthorized, code, header)
			require.Equal(t, `Bearer realm="millwright"`, headers.Get("WWW-Authenticate"))
			require.NotEmpty(t, answer["error"])
		}
	}
	for _, header := range []string{"Bearer " + token, "bearer another-token-of-ours"} {
		code, _, _ := w.ask("GET", "/v1/devices", "", "Authorization", header)
		require.Equal(t, http.StatusOK, code)
	}
	require.NotContains(t, w.log.String(), token)
}

func TestWrongPathsAndMethodsAreAnsweredInJSON(t *testing.T) {
	t.Parallel()
	w := serveAPI(t, &fakeTemporal{})
	for _, c := range []struct {
		method, path, allow string
		code                int
	}{
		{"GET", "/", "", 404}, {"GET", "/v1/nothing", "", 404}, {"GET", "/v1/orders/none", "", 404},
		{"GET", "/v1/devices/none", "", 404}, {"GET", "/v1/orders", "POST", 405},
		{"DELETE", "/v1/devices/x", "GET, HEAD", 405}, {"POST", "/v1/devices", "GET, HEAD", 405},
	} {
		code, answer, headers := w.ask(c.method, c.path, "")
		require.Equal(t, c.code, code, c.path)
		require.Equal(t, c.allow, headers.Get("Allow"), c.path)
		require.Equal(t, "application/json", headers.Get("Content-Type"))
		require.NotEmpty(t, answer["error"])
	}
}

func TestARequestKeepsItsCallersIDIfThatIsFitForALog(t *testing.T) {
	t.Parallel()
	w := serveAPI(t, &fakeTemporal{})
	_, _, headers := w.ask("GET", "/v1/orders/none", "", "X-Request-Id", "billing-7")
	require.Equal(t, "billing-7", headers.Get("X-Request-Id"))
	require.Contains(t, w.log.String(), "request=billing-7")
	_, _, headers = w.ask("GET", "/v1/orders/none", "", "X-Request-Id", "a b=c")
	require.Len(t, headers.Get("X-Request-Id"), 36)
	require.NotContains(t, w.log.String(), "a b=c")
}

func TestAnOrderBookThatIsAwayPromisesNothing(t *testing.T) {
	t.Parallel()
	w := serveAPI(t, &fakeTemporal{})
	w.store.Close()
	code, answer, headers := w.ask("POST", "/v1/orders", wish, "Idempotency-Key", "b-1")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, "5", headers.Get("Retry-After"))
	require.NotContains(t, answer["error"], "closed pool", "what is inside is for the log")
	require.Contains(t, w.log.String(), "closed pool")

	health := httptest.NewRecorder()
	w.orders.admin().ServeHTTP(health, httptest.NewRequestWithContext(context.Background(), "GET", "/healthz", nil))
	require.Equal(t, http.StatusServiceUnavailable, health.Code)
}
