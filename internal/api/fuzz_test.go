package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/api"
)

// seeds are bodies that have broken decoders, and one of each form of ours.
var seeds = []string{
	``, `{}`, `[]`, `null`, `7`, `"x"`, `{`, `{"name":"x"}`, `{"name":"\u0000"}`, `{"name":"\ud800"}`, "{\"name\":\"\xff\"}",
	`{"customdata":"{}"}`, `{"customdata":{"a":1e400000}}`, `{"customdata":` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5000) + `}`,
	`{"role":["owner"]}`, `{"label":"l","key":"ssh-ed25519 AAAA"}`, `{"invitee":"a@b","roles":["admin"],"projects_ids":["x"]}`,
	`{"type":"power_off"}`, `{"type":"reinstall","operating_system":{"slug":"x"}}`, `{"hostname":"x","plan":"c1.small","metro":"lab","facility":["lab1"]}`,
	`{"batches":[{"quantity":99999999999}]}`, `{"servers":[{"metro":"lab","plan":"c1.small","quantity":"1"}]}`,
	`{"type":"public_ipv4","quantity":-1}`, `{"address":"1.2.3.4/33"}`, `{"deployment_type":"local","asn":4294967296}`,
	`{"address_family":"ipv5"}`, `{"url":"http://[::1","types":[null]}`, `{"termination_time":"0000-00-00T00:00:00Z"}`,
	`{"tags":[null,7]}`, `{"expires_at":"99999-01-01T00:00:00Z"}`, `{"address":{"zip_code":[]}}`, `{"storage":{"disks":[{"device":7}]}}`,
}

// TestNoBodyBreaksAnyRoute gives each to every route, as an operator, whom
// nothing stops before the handler. What is refused is refused in the API's own
// form, and an answer of 500 is a fault of ours.
func TestNoBodyBreaksAnyRoute(t *testing.T) {
	t.Parallel()
	w := hooked(t)
	w.peering()
	own := w.places()[0]
	for _, r := range api.Routes() {
		if r.Method == http.MethodGet || r.Method == http.MethodDelete {
			continue // they take none, or would be gone for the next one
		}
		path := w.path(r, own)
		for _, body := range seeds {
			got := w.do("operator", r.Method, path, body)
			require.Less(t, got.code, http.StatusInternalServerError, "%s %s: %.200q: %s", r.Method, path, body, got.raw)
			if got.code >= http.StatusBadRequest {
				require.NotEmpty(t, got.body["errors"], "%s %s: %.200q: %s", r.Method, path, body, got.raw)
			}
		}
	}
}

// FuzzDecode reads anything into what every route takes: it fits, or is refused
// as unprocessable with words; and nothing panics, neither there nor in the
// checks that follow.
func FuzzDecode(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	routes := api.Routes()
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, r := range routes {
			if r.In == nil {
				continue
			}
			for _, refused := range api.Read(body, r.In) {
				code, words := api.Refusal(refused)
				require.Equal(t, http.StatusUnprocessableEntity, code, "%s %s: %s", r.Method, r.Path, words)
				require.NotEmpty(t, words[0], "%s %s", r.Method, r.Path)
			}
		}
	})
}
