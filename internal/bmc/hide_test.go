package bmc

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// Redfish's own message for a refused value quotes it.
func TestAPasswordThatABMCQuotesIsHidden(t *testing.T) {
	t.Parallel()
	const secret = "Battery-Staple-20"
	w, _ := wireTo(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(`{"Members":[{"Id":"1","UserName":"admin","@odata.id":"/redfish/v1/1","Name":"x"}]}`))
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":{"code":"` + secret + `","message":"the value of ` + string(body) + ` has the wrong format"}}`))
	})
	var log bytes.Buffer
	w.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := &redfishSession{wire: w}
	s.wire.hide(secret)
	err := s.patch(t.Context(), "/redfish/v1/1", "", map[string]any{"Password": secret})
	require.Error(t, err)
	require.NotContains(t, err.Error(), secret)
	require.NotErrorIs(t, err, metal.ErrBadCredentials)
	require.Contains(t, log.String(), "wrong format")
	require.NotContains(t, log.String(), secret)
}
