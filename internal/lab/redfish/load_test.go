package redfish_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/redfish"
)

func TestABMCCountsWhatIsAskedOfIt(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for range 3 {
		status, _, _ := r.login(t, "secret")
		require.Equal(t, http.StatusCreated, status)
	}
	load := r.Load()
	require.Equal(t, 3, load.Requests)
	require.Equal(t, 3, load.Sessions)
	require.Equal(t, 3, load.MostSessions)
	require.LessOrEqual(t, load.MostIn2s, 3)
	require.Positive(t, load.MostIn2s)
	r.ResetLoad()
	require.Equal(t, redfish.Load{Sessions: 3, MostSessions: 3}, r.Load())
}

func TestABMCThatFreezesUnderABurstAnswersFiveAndThenNobody(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.SetFault(redfish.Fault{Name: redfish.FreezesUnder, Delay: time.Hour})
	for range 5 {
		status, _, _ := r.do(t, http.MethodGet, system, nil)
		require.Equal(t, http.StatusOK, status)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := r.client.Do(r.request(t, http.MethodGet, system, nil).WithContext(ctx))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	r.ClearFaults()
	status, _, _ := r.do(t, http.MethodGet, system, nil)
	require.Equal(t, http.StatusOK, status)
}

func TestSomeBMCsAnswerNoLoginAndSomeEachThird(t *testing.T) {
	t.Parallel()
	r := setup(t)
	logins := func() (all []int) {
		for range 4 {
			status, _, _ := r.login(t, "secret")
			all = append(all, status)
		}
		return all
	}
	const made, full = http.StatusCreated, http.StatusServiceUnavailable
	r.SetFault(redfish.Fault{Name: redfish.EveryThird})
	require.Equal(t, []int{full, full, made, full}, logins())
	r.ClearFaults()
	r.SetFault(redfish.Fault{Name: redfish.RefuseSession})
	require.Equal(t, []int{full, full, full, full}, logins())
}
