package main

import (
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
}

// deviceOf is the device that an answer names.
func deviceOf(answer map[string]any) metal.DeviceID { return metal.DeviceID(answer["device"].(string)) }

func (w *web) scrape() string {
	w.t.Helper()
	answer := httptest.NewRecorder()
	w.orders.admin().ServeHTTP(answer, httptest.NewRequestWithContext(w.t.Context(), "GET", "/metrics", nil))
	require.Equal(w.t, 200, answer.Code)
	return answer.Body.String()
}

func TestMetricsCountWhatPostgresHas(t *testing.T) {
	t.Parallel()
	w := serveAPI(t, &fakeTemporal{})
	_, first := w.order("b-1", wish)
	w.installed("b-1", deviceOf(first))
	_, err := w.store.Reserve(t.Context(), metal.ReservationWish{ID: someID, Project: "acme", Site: "lab1", Family: 4, Bits: 26})
	require.NoError(t, err)
	w.ask("GET", "/v1/orders/none", "")
	w.ask("GET", "/a/path/that/a/stranger/chose", "")
	text := w.scrape()
	for _, line := range []string{
		`millwright_machines{plan="c1.small",site="lab1",state="idle"} 1`,
		`millwright_machines{plan="c1.small",site="lab1",state="occupied"} 1`,
		`millwright_devices{plan="c1.small",site="lab1",state="active"} 1`,
		`millwright_addresses{block="198.51.100.0/24",role="public",site="lab1",state="free"} 254`,
		`millwright_addresses{block="198.51.100.0/24",role="public",site="lab1",state="held"} 2`,
		`millwright_addresses{block="2001:db8:64::/56",role="public",site="lab1",state="held"} 1`,
		`millwright_block_longest_free_bits{block="198.51.100.0/24",role="public",site="lab1"} 25`,
		`millwright_reservations_pending{site="lab1"} 1`,
		`millwright_reservations_pending{site="global"} 0`,
		`millwright_orders{action="provision",state="done"} 1`,
		`millwright_postgres_up 1`,
		`millwright_http_requests_total{code="202",method="POST",route="/v1/orders"} 1`,
		`millwright_http_requests_total{code="404",method="GET",route="/v1/orders/{id}"} 1`,
		`millwright_http_requests_total{code="404",method="GET",route="/"} 1`,
		`millwright_http_request_duration_seconds_count{method="POST",route="/v1/orders"} 1`,
	} {
		require.Contains(t, text, line+"\n")
	}
	require.NotContains(t, text, "stranger")
	require.Regexp(t, `millwright_block_days_left\{block="198\.51\.100\.0/24",role="public",site="lab1"\} 889`, text, "two addresses in a week, 254 free")
	require.NotContains(t, text, `block="10.64.0.0/25"`, "a project's own block fills up as it should")
}

func TestACountIsGoodForAMomentAndSaysWhenPostgresIsAway(t *testing.T) {
	t.Parallel()
	w := serveAPI(t, &fakeTemporal{})
	require.Contains(t, w.scrape(), `state="idle"} 2`)
	w.store.Close()
	require.Contains(t, w.scrape(), `state="idle"} 2`, "a second scrape asked again at once")

	fresh := newEndpoint(w.store, &fakeTemporal{}, nil, w.log.logger())
	away := &web{rig: w.rig, orders: fresh}
	text := away.scrape()
	require.Contains(t, text, "millwright_postgres_up 0\n")
	require.NotContains(t, text, "millwright_machines{")
	require.NotContains(t, text, "millwright_addresses{")
}

func TestMetricsCountHowSwitchesStand(t *testing.T) {
	t.Parallel()
	w := serveAPI(t, &fakeTemporal{})
	require.Contains(t, w.scrape(), `millwright_switch_check_age_seconds{site="lab1",switch="tor-r1"} +Inf`+"\n", "it was never checked")

	w = serveAPI(t, &fakeTemporal{})
	w.troubled()
	text := w.scrape()
	for _, line := range []string{
		`millwright_switch_ports{site="lab1",state="drifting",switch="tor-r1"} 1`,
		`millwright_switch_ports{site="lab1",state="intended",switch="tor-r1"} 0`,
		`millwright_switch_ports{site="lab1",state="pending",switch="tor-r1"} 0`,
		`millwright_switch_ports{site="lab1",state="refused",switch="tor-r1"} 1`,
		`millwright_switch_miscablings{site="lab1",switch="tor-r1"} 1`,
		`millwright_switch_commits_total{site="lab1",switch="tor-r1"} 2`,
		`millwright_bgp_sessions{site="lab1",state="Established",switch="tor-r1"} 1`,
	} {
		require.Contains(t, text, line+"\n")
	}
	require.Regexp(t, `millwright_switch_check_age_seconds\{site="lab1",switch="tor-r1"\} \d`, text)
}
