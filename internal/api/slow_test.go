package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A server gives a request so long to arrive; what has not come by then is
// refused, and changes nothing.
func TestABodyThatDoesNotArriveIsRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	server := httptest.NewUnstartedServer(w.handler)
	server.Config.ReadTimeout = 200 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	for _, key := range []string{w.keys["owner"], "a-guess"} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = fmt.Fprintf(conn, "POST /metal/v1/organizations/%s/projects HTTP/1.1\r\nHost: here\r\nX-Auth-Token: %s\r\nContent-Length: 100\r\n\r\n{\"name\":", w.org, key)
		require.NoError(t, err)
		require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		reader := bufio.NewReader(conn)
		answer, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		said, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		if key == "a-guess" {
			require.Equal(t, http.StatusUnauthorized, answer.StatusCode, "%s", said)
		} else {
			require.Equal(t, http.StatusBadRequest, answer.StatusCode, "%s", said)
			require.Contains(t, string(said), "the body broke off")
		}
		_, err = reader.ReadByte()
		require.ErrorIs(t, err, io.EOF, "the connection is not kept for the rest")
	}
	require.Zero(t, w.number(`select count(*) from changes where outcome = 'done'`))
	require.Equal(t, 1, w.number(`select count(*) from changes`))
}
