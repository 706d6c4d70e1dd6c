package netconf

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALockIsDeniedWithTheNumberOfItsHolder(t *testing.T) {
	t.Parallel()
	s := serve(t)
	holder, other := s.dial(t), s.dial(t)
	holder.ok(lockCandidate)
	denied := other.ask(lockCandidate)
	require.Contains(t, denied, "<error-tag>lock-denied</error-tag>")
	require.Contains(t, denied, "<session-id>"+holder.id+"</session-id>")
	require.Contains(t, other.ask(editConfig(mtu("1500"), "")), "<error-tag>in-use</error-tag>")
	require.Contains(t, other.ask(commitNow), "<error-tag>in-use</error-tag>")
	require.Contains(t, other.ask(unlockCandidate), "<rpc-error>")
	holder.ok(unlockCandidate)
	other.ok(lockCandidate)
}

func TestACandidateThatSomebodyChangedCannotBeLocked(t *testing.T) {
	t.Parallel()
	s := serve(t)
	careless, other := s.dial(t), s.dial(t)
	careless.edit(mtu("1500"))
	require.Contains(t, other.ask(lockCandidate), "configuration database modified")
	careless.ok("<discard-changes/>")
	other.ok(lockCandidate)
}

func TestUncommittedChangesAndLocksDieWithTheirSession(t *testing.T) {
	t.Parallel()
	s := serve(t)
	holder, other := s.dial(t), s.dial(t)
	holder.ok(lockCandidate)
	holder.edit(mtu("1500"))
	holder.ok("<close-session/>")
	_, err := holder.try(commitNow)
	require.Error(t, err)
	require.Eventually(t, func() bool { return strings.Contains(other.ask(lockCandidate), "<ok/>") }, eventually, tick)
	require.NotContains(t, other.ask(get("candidate", "")), "1500")
}

func TestAKilledSessionIsGone(t *testing.T) {
	t.Parallel()
	s := serve(t)
	holder, other := s.dial(t), s.dial(t)
	holder.ok(lockCandidate)
	other.ok("<kill-session><session-id>" + holder.id + "</session-id></kill-session>")
	_, err := holder.try("<discard-changes/>")
	require.Error(t, err)
	require.Eventually(t, func() bool { return strings.Contains(other.ask(lockCandidate), "<ok/>") }, eventually, tick)
	require.Contains(t, other.ask("<kill-session><session-id>"+other.id+"</session-id></kill-session>"), "invalid-value")
}

func TestAnEditMergesReplacesAndDeletes(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	c.edit(`<interfaces><interface><name>xe-0/0/1</name><description>a</description></interface></interfaces>`)
	c.ok(commitNow)
	require.True(t, s.has("<mtu>9216</mtu>") && s.has("<description>a</description>"), "merged")

	c.edit(`<interfaces><interface nc:operation="replace"><name>xe-0/0/1</name><description>b</description></interface></interfaces>`)
	c.ok(commitNow)
	require.True(t, !s.has("<mtu>") && s.has("<description>b</description>"), "replaced")

	c.edit(`<interfaces><interface operation="delete"><name>xe-0/0/1</name></interface></interfaces>`)
	c.ok(commitNow)
	require.True(t, !s.has("interfaces") && s.has("leaf1"), "deleted, and the empty hierarchy with it")
}

func TestADeleteOfNothingIsAnErrorAndARemoveIsNot(t *testing.T) {
	t.Parallel()
	c := serve(t).dial(t)
	gone := func(operation string) string {
		return `<interfaces><interface nc:operation="` + operation + `"><name>xe-0/0/9</name></interface></interfaces>`
	}
	require.Contains(t, c.ask(editConfig(gone("delete"), "")), "<error-tag>data-missing</error-tag>")
	require.Contains(t, c.ask(editConfig(gone("delete"), "none")), "<error-tag>data-missing</error-tag>")
	c.edit(gone("remove"))
	c.ok(editConfig(gone("merge"), "none"))
	require.Contains(t, c.ask(editConfig(gone("explode"), "")), "<error-tag>bad-attribute</error-tag>")
	again := strings.ReplaceAll(gone("create"), "xe-0/0/9", "xe-0/0/1")
	require.Contains(t, c.ask(editConfig(again, "")), "<error-tag>data-exists</error-tag>")
}

func TestARefusedEditChangesNothing(t *testing.T) {
	t.Parallel()
	c := serve(t).dial(t)
	address := func(family, a string) string {
		return `<interfaces><interface><name>xe-0/0/1</name><unit><name>0</name><family><` + family + `><address><name>` + a +
			`</name></address></` + family + `></family></unit></interface></interfaces>`
	}
	for name, change := range map[string]string{
		"unknown hierarchy": mtu("1500") + `<teapot><short/></teapot>`,
		"no prefix":         address("inet", "10.0.0.256/31"),
		"a host":            address("inet", "10.0.0.1"),
		"the other family":  address("inet6", "10.0.0.0/31"),
		"filter address": `<firewall><family><inet><filter><name>f</name><term><name>t</name><from><source-address><name>10/8</name>` +
			`</source-address></from></term></filter></inet></family></firewall>`,
		"server address": `<forwarding-options><dhcp-relay><server-group><server-group><name>g</name><address><name>boot1</name></address>` +
			`</server-group></server-group></dhcp-relay></forwarding-options>`,
	} {
		require.Contains(t, c.ask(editConfig(change, "")), "<error-severity>error</error-severity>", name)
	}
	require.NotContains(t, c.ask(get("candidate", "")), "1500")
	c.ok(lockCandidate)
}

func TestAReferenceToNothingIsRefusedAtValidateAndCommit(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	c.edit(`<interfaces><interface><name>xe-0/0/1</name><unit><name>0</name><family><inet><filter><input><filter-name>nowhere</filter-name></input></filter></inet></family></unit></interface></interfaces>`)
	for _, operation := range []string{"<validate><source><candidate/></source></validate>", commitNow, commitConfirmed(60)} {
		refused := c.ask(operation)
		require.Contains(t, refused, "Referenced filter &#39;nowhere&#39; is not defined")
		require.Contains(t, refused, "<error-path>[edit interfaces xe-0/0/1 unit 0 family inet]</error-path>")
	}
	require.Zero(t, s.Commits())
}

func TestAFilterSelectsWholeEntriesByTheirName(t *testing.T) {
	t.Parallel()
	c := serve(t).dial(t)
	c.edit(`<interfaces><interface><name>xe-0/0/2</name><mtu>1500</mtu><description>two</description></interface></interfaces>`)
	whole := c.ask(get("candidate", `<interfaces><interface><name>xe-0/0/2</name></interface></interfaces>`))
	require.Contains(t, whole, "<mtu>1500</mtu><description>two</description>")
	require.NotContains(t, whole, "xe-0/0/1")
	require.NotContains(t, whole, "host-name")
	part := c.ask(get("candidate", `<interfaces><interface><name>xe-0/0/2</name><description/></interface></interfaces>`))
	require.Contains(t, part, "<name>xe-0/0/2</name><description>two</description>")
	require.NotContains(t, part, "mtu")
	require.Contains(t, c.ask(get("running", `<interfaces><interface><name>xe-0/0/2</name></interface></interfaces>`)), "<data/>")
}

func TestWhatIsNoOperationIsRefusedAndTheSessionLives(t *testing.T) {
	t.Parallel()
	c := serve(t).dial(t)
	require.Contains(t, c.ask("<make-coffee/>"), "operation-not-supported")
	require.Contains(t, c.ask("<edit-config><target><running/></target></edit-config>"), "operation-not-supported")
	require.Contains(t, c.ask("<commit><confirmed/><confirm-timeout>soon</confirm-timeout></commit>"), "invalid-value")
	_, err := c.out.Write([]byte("no xml" + endOfMessage))
	require.NoError(t, err)
	reply, err := readMessage(c.in, messageLimit)
	require.NoError(t, err)
	require.Contains(t, string(reply), "malformed-message")
	c.ok(commitNow)
}
