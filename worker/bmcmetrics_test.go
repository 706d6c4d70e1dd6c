package main

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/metal"
)

func scrape(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	return answer.Body.String()
}

func TestEachConversationWithABMCIsCountedByHowItEnded(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	d := newBMCMetrics(registry).watch("lab1", &bmc.Driver{
		Credentials: func(_ context.Context, name string) (metal.Credential, error) {
			if name == "none" {
				return metal.Credential{}, errors.New("there is none")
			}
			return metal.Credential{User: "u", Password: "p"}, nil
		},
	})
	at := httptest.NewTLSServer(nil)
	nobody := at.Listener.Addr().String()
	at.Close()
	_, err := d.Power(t.Context(), metal.BMC{Machine: "m1", Address: nobody, Protocol: metal.Redfish, Credential: "none"})
	require.Error(t, err)
	_, err = d.Power(t.Context(), metal.BMC{Machine: "m2", Address: nobody, Protocol: metal.Redfish, Credential: "bmc"})
	require.Error(t, err)
	text := scrape(t, registry)
	for _, line := range []string{
		`millwright_bmc_conversations_total{outcome="ok",site="lab1"} 0`,
		`millwright_bmc_conversations_total{outcome="void",site="lab1"} 1`,
		`millwright_bmc_conversations_total{outcome="weather",site="lab1"} 1`,
		`millwright_bmc_conversation_duration_seconds_count{site="lab1"} 2`,
	} {
		require.Contains(t, text, line+"\n")
	}
	require.NotContains(t, text, "m1")
	require.Regexp(t, `millwright_bmc_commands_total\{site="lab1"\} [1-9]`, text)
}
