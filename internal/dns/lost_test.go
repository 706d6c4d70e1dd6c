package dns_test

import (
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// Whichever answer is lost, the same call again ends as if nothing had been:
// the server has taken what it was asked, and nobody heard of it.
func TestACallMayLoseAnyAnswerAndRunAgain(t *testing.T) {
	t.Parallel()
	d, server := setup(t)
	for lost := int64(1); lost <= 7; lost++ { // three looks, the update, three looks
		zone := server.Zone(names)
		flaky := zone
		flaky.Server = losing(t, server.Addr, lost)
		requireWeather(t, d.Set(t.Context(), flaky, record(first, "192.0.2.1", "2001:db8::1")))
		requireTaken(t, afterAll(d.Set(t.Context(), zone, record(first, "192.0.2.1", "2001:db8::1")),
			func() error { return d.Set(t.Context(), zone, record(second, "192.0.2.2")) }), first)

		flaky.Server = losing(t, server.Addr, min(lost, 5)) // after the update one look is enough
		requireWeather(t, d.Remove(t.Context(), flaky, web, first))
		require.NoError(t, d.Remove(t.Context(), zone, web, first))
		owned, err := d.Owned(t.Context(), zone)
		require.NoError(t, err)
		require.Equal(t, []metal.OwnedName(nil), owned)
	}
}

func afterAll(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}

// losing passes all on to a server, and all answers back until the n-th, which
// it loses with its connection.
func losing(t *testing.T, server string, n int64) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	var left atomic.Int64
	left.Store(n)
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go pass(client, server, &left)
		}
	}()
	return l.Addr().String()
}

func pass(client net.Conn, server string, left *atomic.Int64) {
	defer client.Close()
	up, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer up.Close()
	go func() { _, _ = io.Copy(up, client) }() // ends when either side is closed
	for {
		var size [2]byte // RFC 1035 section 4.2.2
		if _, err := io.ReadFull(up, size[:]); err != nil {
			return
		}
		answer := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(up, answer); err != nil || left.Add(-1) == 0 {
			return
		}
		if _, err := client.Write(append(size[:], answer...)); err != nil {
			return
		}
	}
}
