package frr

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cutter stands between a driver and a switch and ends the first connection
// after so many bytes to the switch, or goes silent.
type cutter struct {
	to     string
	after  int64 // bytes to the switch; 0 is never
	silent bool  // the connection stays, and nothing passes
	onCut  func()

	sent  atomic.Int64
	first atomic.Bool
}

// listen gives the address that the driver is told.
func (c *cutter) listen(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.relay(conn, c.first.CompareAndSwap(false, true))
		}
	}()
	return l.Addr().String()
}

func (c *cutter) relay(near net.Conn, cut bool) {
	far, err := net.Dial("tcp", c.to)
	if err != nil {
		_ = near.Close()
		return
	}
	closeBoth := func() { _ = near.Close(); _ = far.Close() }
	go func() { _, _ = io.Copy(near, far); closeBoth() }()
	buffer := make([]byte, 512)
	for {
		n, err := near.Read(buffer)
		if err != nil {
			break
		}
		if sent := c.sent.Add(int64(n)); cut && c.after > 0 && sent > c.after {
			if c.onCut != nil {
				c.onCut()
			}
			if c.silent {
				_, _ = io.Copy(io.Discard, near)
			}
			break
		}
		if _, err := far.Write(buffer[:n]); err != nil {
			break
		}
	}
	closeBoth()
}

// length is how many bytes a whole change sends.
func (r *rig) length(t *testing.T) int64 {
	t.Helper()
	r.apply(t, r.Parked(0))
	c := &cutter{to: r.Switch().Address}
	r.sw.Address = c.listen(t)
	_, err := r.driver.Apply(t.Context(), r.sw, asked(r.rich()))
	require.NoError(t, err)
	r.sw = r.Switch()
	return c.sent.Load()
}

func TestASessionKilledAnywhereLeavesThePortAsIntendedOrAsItWas(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	whole := r.length(t)
	r.driver.ConfirmTimeout = time.Second
	const cuts = 8
	kept, undone := 0, 0
	for i := range int64(cuts) {
		r.apply(t, r.Parked(0))
		ctx, cancel := context.WithCancel(t.Context())
		c := &cutter{to: r.Switch().Address, after: whole * (i + 1) / (cuts + 1), onCut: cancel} // whoever asked dies too
		r.sw.Address = c.listen(t)
		_, err := r.driver.Apply(ctx, r.sw, asked(r.rich()))
		require.Error(t, err)
		cancel()
		r.sw = r.Switch()
		eventually(t, "nothing is left pending", func() bool {
			return r.byHand(t, "cd /var/lib/millwright; ls -d new-* undo* 2>/dev/null || :") == "" && r.free(t)
		})
		if len(r.drift(t, r.rich())) == 0 {
			kept++
		} else {
			undone++
			require.Empty(t, r.drift(t, r.Parked(0)), "cut after %d bytes of %d", c.after, whole)
		}
	}
	t.Logf("as intended %d, as it was %d", kept, undone)
	require.Positive(t, undone)
}

func TestALostSessionIsSettledFromAnother(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	whole := r.length(t)
	r.driver.Timeout = 10 * time.Second
	settled := 0
	for _, share := range []struct {
		percent int64
		silent  bool
	}{{60, false}, {80, false}, {90, false}, {97, false}, {80, true}} {
		r.driver.ConfirmTimeout = time.Minute
		if share.silent {
			r.driver.ConfirmTimeout = 2 * time.Second // the switch does not wait for a session that hangs
		}
		r.apply(t, r.Parked(0))
		c := &cutter{to: r.Switch().Address, after: whole * share.percent / 100, silent: share.silent}
		r.sw.Address = c.listen(t)
		done, err := r.driver.Apply(t.Context(), r.sw, asked(r.rich()))
		r.sw = r.Switch()
		if err != nil {
			t.Logf("%+v: %v", share, err)
			require.Eventually(t, func() bool { return len(r.drift(t, r.Parked(0))) == 0 }, soon, 200*time.Millisecond)
			require.NotContains(t, err.Error(), key)
			continue
		}
		settled++
		require.Len(t, done.Changed, 1)
		require.Empty(t, r.drift(t, r.rich()), "%+v", share)
	}
	require.Positive(t, settled, "one of them was in force and only unconfirmed")
}
