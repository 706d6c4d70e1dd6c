package netrack

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsOpenedWithinANodeStaysInItsNetwork(t *testing.T) {
	t.Parallel()
	r := New(t, Options{})
	var l net.Listener
	require.NoError(t, r.Boot.Within(func() (err error) {
		l, err = net.Listen("tcp", BootAddress.String()+":80")
		return err
	}))
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, conn.RemoteAddr().(*net.TCPAddr).IP.String())
			_ = conn.Close()
		}
	}()
	var conn net.Conn
	require.NoError(t, r.Outside.Within(func() (err error) {
		conn, err = net.Dial("tcp", l.Addr().String())
		return err
	}))
	from, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, OutsideAddress.String(), string(from), "across the switch, from the outside")
}
