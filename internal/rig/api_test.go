package rig_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/rig"
)

// post gives an order to starter's API and returns the status code.
func post(t *testing.T, r *rig.Rig, key, body string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.API()+"/v1/orders", strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+r.Token)
	request.Header.Set("Idempotency-Key", key)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	return answer.StatusCode
}
