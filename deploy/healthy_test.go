package deploy

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHealthyTellsAWellServiceFromASickOneAndFromNone(t *testing.T) {
	t.Parallel()
	var code atomic.Int32
	code.Store(http.StatusOK)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			code.Store(http.StatusNotFound)
		}
		w.WriteHeader(int(code.Load()))
	}))
	host, port, err := net.SplitHostPort(strings.TrimPrefix(service.URL, "http://"))
	require.NoError(t, err)
	healthy := func() error { return exec.CommandContext(t.Context(), "./healthy", port, host).Run() }
	require.NoError(t, healthy())
	code.Store(http.StatusServiceUnavailable)
	require.Error(t, healthy())
	service.Close()
	require.Error(t, healthy())
}
