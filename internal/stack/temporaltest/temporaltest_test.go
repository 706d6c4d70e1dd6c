package temporaltest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"millwright/internal/stack/temporaltest"
)

func TestTheServerIsHealthyAndOneForAll(t *testing.T) {
	t.Parallel()
	frontend := temporaltest.Frontend(t)
	c, err := client.NewLazyClient(client.Options{HostPort: frontend})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.CheckHealth(t.Context(), &client.CheckHealthRequest{})
	require.NoError(t, err)
	require.Equal(t, frontend, temporaltest.Frontend(t))
}
