package netconf

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	eventually = 10 * time.Second
	tick       = 2 * time.Millisecond
)

func TestAConfirmedCommitFallsAtItsTimeout(t *testing.T) {
	t.Parallel()
	s := serve(t)
	before := s.Snapshot()
	c := s.dial(t)
	c.edit(mtu("1500"))
	began := time.Now()
	c.ok(commitConfirmed(1))
	require.True(t, s.has("1500"))
	c.ok("<close-session/>")
	require.Eventually(t, func() bool { return s.Snapshot() == before }, eventually, tick)
	require.GreaterOrEqual(t, time.Since(began), time.Second, "not with its session, but at the timeout")
	require.Equal(t, Rollback, s.History()[1].Kind)
}

func TestAnySessionsCommitConfirms(t *testing.T) {
	t.Parallel()
	s := serve(t)
	first, second := s.dial(t), s.dial(t)
	first.edit(mtu("1500"))
	first.ok(commitConfirmed(1))
	require.Contains(t, second.ask("<get-commit-information/>"), "<commit-confirmed>rollback pending</commit-confirmed>")
	require.Contains(t, second.ask("<commit-configuration><log>run 7</log></commit-configuration>"), "<commit-success/>")
	require.NotContains(t, second.ask("<get-commit-information/>"), "rollback pending")
	require.Nil(t, s.unconfirmed())
	history := s.History()
	require.Equal(t, []CommitKind{Confirmed, Confirming}, []CommitKind{history[0].Kind, history[1].Kind})
	require.Equal(t, "run 7", history[1].Comment)
	require.Equal(t, "u", history[1].User)
}

func TestASecondConfirmedCommitFallsBackToBeforeTheFirst(t *testing.T) {
	t.Parallel()
	s := serve(t)
	before := s.Snapshot()
	c := s.dial(t)
	c.edit(mtu("1500"))
	c.ok(commitConfirmed(60))
	c.edit(mtu("1600"))
	c.ok(commitConfirmed(60))
	s.rollback(s.unconfirmed())
	require.Equal(t, before, s.Snapshot())
}

func TestAConfirmedCommitFallsWithItsSessionWhereTheRFCIsFollowed(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config) { c.RevertAtSessionEnd = true })
	c := s.dial(t)
	c.edit(mtu("1500"))
	c.ok(commitConfirmed(600))
	require.NoError(t, c.ssh.Close())
	require.Eventually(t, func() bool { return !s.has("1500") }, eventually, tick)
}

func TestAKilledSessionsConfirmedCommitFalls(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c, killer := s.dial(t), s.dial(t)
	c.edit(mtu("1500"))
	c.ok(commitConfirmed(600))
	killer.ok("<kill-session><session-id>" + c.id + "</session-id></kill-session>")
	require.False(t, s.has("1500"))
}

func TestACheckConfirmsAsItDoesOnJunos(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	c.edit(mtu("1500"))
	c.ok(commitConfirmed(600))
	require.Contains(t, c.ask("<commit-configuration><check/></commit-configuration>"), "<commit-success/>")
	require.Nil(t, s.unconfirmed())
	require.Equal(t, 1, s.Commits())
}

func TestPortsFollowTheRunningConfiguration(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	require.Equal(t, PortState{Up: true}, s.Port("xe-0/0/1"))
	require.Equal(t, PortState{}, s.Port("xe-0/0/2"), "nobody configured it")
	c.edit(`<interfaces><interface><name>xe-0/0/1</name><unit><name>0</name><family>
		<inet><address><name>198.51.100.0/31</name></address><address><name>10.0.0.2/31</name><primary/></address></inet>
		<inet6><address><name>2001:db8::/127</name></address></inet6></family></unit></interface></interfaces>
		<forwarding-options><dhcp-relay>
		<server-group><server-group><name>boot</name><address><name>10.9.0.2</name></address></server-group></server-group>
		<group><name>g</name><active-server-group><active-server-group>boot</active-server-group></active-server-group>
		<interface><name>xe-0/0/1.0</name></interface></group></dhcp-relay></forwarding-options>`)
	require.Empty(t, s.Port("xe-0/0/1").Addresses, "a candidate moves no packet")
	c.ok(commitNow)
	state := s.Port("xe-0/0/1")
	require.Equal(t, "10.0.0.2/31", state.Install.String())
	require.Len(t, state.Addresses, 3)
	require.Equal(t, "10.9.0.2", state.Relay[0].String())
	c.edit(`<interfaces><interface><name>xe-0/0/1</name><disable/></interface></interfaces>`)
	c.ok(commitNow)
	require.Equal(t, PortState{}, s.Port("xe-0/0/1"))
	require.Contains(t, s.Ports(), "xe-0/0/1")
}

func TestTheHistoryKeepsTheNewestAndCountsAll(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	for range historyLimit + 2 {
		c.ok(commitNow)
	}
	require.Len(t, s.History(), historyLimit)
	require.Equal(t, historyLimit+2, s.Commits())
}
