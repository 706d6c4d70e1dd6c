package main

import (
	"context"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheEndpointServesAndStopsCleanly(t *testing.T) {
	t.Parallel()
	r := setup(t)
	ctx, stop := context.WithCancel(t.Context())
	var out, errs journal
	code := make(chan int, 1)
	go func() {
		code <- execute(ctx, []string{"serve", "--insecure-no-auth", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
			"--postgres", r.dsn, "--temporal-address", nowhere(t)}, &out, &errs)
	}()
	address := regexp.MustCompile(`http://[0-9.:]+`)
	require.Eventually(t, func() bool { return len(address.FindAllString(errs.String(), 2)) == 2 }, patience, 1e6)
	at := address.FindAllString(errs.String(), 2)
	for _, url := range []string{at[0] + "/v1/devices", at[1] + "/healthz", at[1] + "/metrics"} {
		answer, err := http.Get(url)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusOK, answer.StatusCode, url)
	}
	stop()
	require.Equal(t, exitDone, <-code, errs.String())
}

func TestASocketThatIsTakenIsNamed(t *testing.T) {
	t.Parallel()
	w := serveAPI(t, &fakeTemporal{})
	taken := w.url[len("http://"):]
	code, _, errs := w.cli("serve", "--insecure-no-auth", "--listen", taken)
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "take orders on "+taken)
	require.Contains(t, errs, "address already in use")
}
