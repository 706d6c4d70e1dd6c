// Package temporaltest gives each test a real Temporal server.
//
// All test packages of one `make test` share one, named by
// MILLWRIGHT_TEST_TEMPORAL; without that variable each package gets one of its
// own, on first use, which ends with the test process. It must not import
// anything of ours but internal/stack, and knows none of our namespaces.
package temporaltest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/stack"
)

// Frontend returns the server's gRPC endpoint. Whoever shares it keeps to a
// namespace of his own, and kills nothing: that wants a stack of its own.
func Frontend(t testing.TB) string {
	t.Helper()
	frontend, err := server()
	require.NoError(t, err)
	return frontend
}

// server is a variable because a test process shares one server; it is never
// stopped, because only the process' end tells that the last test is over.
var server = sync.OnceValues(func() (string, error) {
	if frontend := os.Getenv("MILLWRIGHT_TEST_TEMPORAL"); frontend != "" {
		return frontend, nil
	}
	s, err := stack.Start(context.Background(), stack.Config{NoFsync: true})
	if err != nil {
		return "", fmt.Errorf("start a Temporal for the tests of this package: %w", err)
	}
	return s.Frontend, nil
})
