package netconf

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func (s served) fault(t *testing.T, name string, times int, delay time.Duration) {
	t.Helper()
	f, err := ParseFault(name, times, delay)
	require.NoError(t, err)
	s.SetFault(f)
}

func TestAFaultIsNamedByAWord(t *testing.T) {
	t.Parallel()
	f, err := ParseFault("hang:3", 2, time.Second)
	require.NoError(t, err)
	require.Equal(t, Fault{Name: Hang, Skip: 2, Times: 2, Delay: time.Second}, f)
	_, err = ParseFault("teapot", 0, 0)
	for _, name := range faultNames {
		require.ErrorContains(t, err, string(name))
	}
	for _, bad := range []string{"", "hang:", "hang:0", "hang:-1", "hang:x"} {
		_, err := ParseFault(bad, 0, 0)
		require.Error(t, err, bad)
	}
	_, err = ParseFault("hang", -1, 0)
	require.Error(t, err)
}

func FuzzParseFaultTakesOnlyWhatItKnows(f *testing.F) {
	f.Add("hang:3", 1)
	f.Add("lock-held", 0)
	f.Fuzz(func(t *testing.T, name string, times int) {
		fault, err := ParseFault(name, times, 0)
		if err == nil {
			require.Contains(t, faultNames, fault.Name)
			require.True(t, fault.Skip >= 0 && fault.Times >= 0)
			require.True(t, strings.HasPrefix(name, string(fault.Name)))
		}
	})
}

func TestAFaultStrikesAsOftenAsAskedAndThenIsGone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	s.fault(t, "lock-held:2", 2, 0)
	c.ok(lockCandidate)
	c.ok(unlockCandidate)
	for range 2 {
		require.Contains(t, c.ask(lockCandidate), "<session-id>41</session-id>")
	}
	require.Empty(t, s.Faults())
	c.ok(lockCandidate)
	c.ok(unlockCandidate)
	s.fault(t, "lock-held", 0, 0)
	for range 3 {
		require.Contains(t, c.ask(lockCandidate), "lock-denied")
	}
	require.Len(t, s.Faults(), 1)
	s.ClearFault(LockHeld)
	c.ok(lockCandidate)
}

func TestARefusedCommitHidesItsErrorInTheResults(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	s.fault(t, "commit-refused", 1, 0)
	require.Contains(t, c.ask(commitNow), "<commit-results><routing-engine><name>re0</name><rpc-error>")
	require.Zero(t, s.Commits())
}

func TestASlowCommitTakesItsTime(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	s.fault(t, "commit-slow", 1, 30*time.Millisecond)
	began := time.Now()
	c.ok(commitNow)
	require.GreaterOrEqual(t, time.Since(began), 30*time.Millisecond)
}

func TestAConfirmedCommitCanBeRolledBackAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	s.fault(t, "rolled-back", 1, 0)
	c.edit(mtu("1500"))
	c.ok(commitConfirmed(600))
	require.False(t, s.has("1500"))
}

func TestASessionCanBeLostBeforeAndAfterACommit(t *testing.T) {
	t.Parallel()
	for name, applied := range map[string]bool{"drop-before-commit": false, "drop-after-commit": true} {
		s := serve(t)
		c := s.dial(t)
		s.fault(t, name, 1, 0)
		c.edit(mtu("1500"))
		_, err := c.try(commitNow)
		require.Error(t, err, name)
		require.Equal(t, applied, s.has("1500"), name)
	}
}

func TestAHangingOperationEndsWithItsClient(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	s.fault(t, "hang:2", 1, 0)
	c.ok(lockCandidate)
	ended := make(chan error, 1)
	go func() {
		_, err := c.try(commitNow)
		ended <- err
	}()
	require.Eventually(t, func() bool { return len(s.Faults()) == 0 }, eventually, tick)
	require.NoError(t, c.ssh.Close())
	require.Error(t, <-ended)
	other := s.dial(t)
	require.Eventually(t, func() bool { return strings.Contains(other.ask(lockCandidate), "<ok/>") }, eventually, tick)
}

func TestGarbageIsNoXML(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	s.fault(t, "garbage", 1, 0)
	reply, err := c.try(commitNow)
	require.NoError(t, err)
	_, err = parse([]byte(reply))
	require.Error(t, err)
}

func TestALoginIsRefusedByAFaultAndByAWrongPassword(t *testing.T) {
	t.Parallel()
	s := serve(t)
	_, err := s.login("wrong")
	require.ErrorContains(t, err, "unable to authenticate")
	s.fault(t, "login-refused", 1, 0)
	_, err = s.login("p")
	require.ErrorContains(t, err, "unable to authenticate")
	s.dial(t)
}

func TestTheHostKeyFollowsFromTheName(t *testing.T) {
	t.Parallel()
	require.Equal(t, HostKeyFingerprint("leaf1"), HostKeyFingerprint("leaf1"))
	require.NotEqual(t, HostKeyFingerprint("leaf1"), HostKeyFingerprint("leaf2"))
	require.Regexp(t, `^SHA256:[A-Za-z0-9+/]{43}$`, HostKeyFingerprint("leaf1"))
}

func TestServingEndsWithItsContextAndItsSessions(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Name: "leaf1", User: "u", Password: "p"})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener) }()
	c := served{Switch: s, address: listener.Addr().String()}.dial(t)
	cancel()
	require.NoError(t, <-ended)
	_, err = c.try(commitNow)
	require.Error(t, err)
}
