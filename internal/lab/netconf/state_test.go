package netconf

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// filtered is an interface with a filter of n terms.
func filtered(port string, n int) string {
	terms := ""
	for i := range n {
		terms += fmt.Sprintf("<term><name>t%d</name><then><accept/></then></term>", i)
	}
	return `<interfaces><interface><name>` + port + `</name><unit><name>0</name><family><inet><filter><input><filter-name>in-` + port +
		`</filter-name></input></filter></inet></family></unit></interface></interfaces>
		<firewall><family><inet><filter nc:operation="replace"><name>in-` + port + `</name>` + terms + `</filter></inet></family></firewall>`
}

const filters = "<get-firewall-information/>"

func TestAFilterThatDoesNotFitIsCommittedAndNotInForce(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config) { c.FilterTerms = 5 })
	c := s.dial(t)
	c.edit(filtered("a", 3))
	c.ok(commitNow)
	c.edit(filtered("b", 3))
	c.ok(commitNow)
	require.Contains(t, c.ask(filters), "<filter-name>in-a</filter-name>")
	require.NotContains(t, c.ask(filters), "in-b")
	require.Equal(t, []string{"in-a"}, s.Installed())
	c.edit(filtered("a", 1))
	c.ok(commitNow)
	require.Equal(t, []string{"in-a", "in-b"}, s.Installed(), "what one gives back another takes")
}

func TestAFilterCanBeKeptFromTheHardware(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	s.fault(t, "not-installed", 1, 0)
	c.edit(filtered("a", 1) + filtered("b", 1))
	c.ok(commitNow)
	require.Equal(t, []string{"in-b"}, s.Installed())
	c.ok(commitNow)
	require.Equal(t, []string{"in-a", "in-b"}, s.Installed())
}

func TestTermsAreCombinationsOfWhatTheyMatch(t *testing.T) {
	t.Parallel()
	from, err := parse([]byte(`<from><source-address/><protocol/><source-address/><port/><port/><port/></from>`))
	require.NoError(t, err)
	require.Equal(t, 6, combinations(from))
	require.Equal(t, 1, combinations(nil))
}

func TestACandidateIsComparedInTheWordsOfTheCLI(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	const compare = `<get-configuration compare="rollback" rollback="0" format="text"/>`
	require.Contains(t, c.ask(compare), "<configuration-output>&#xA;</configuration-output>")
	c.edit(mtu("1500") + `<protocols><bgp><group><name>g</name><authentication-key>hush</authentication-key></group></bgp></protocols>`)
	changes := strings.ReplaceAll(c.ask(compare), "&#xA;", "\n")
	require.Contains(t, changes, "[edit interfaces interface xe-0/0/1]\n-   mtu 9216;\n+   mtu 1500;\n")
	require.Contains(t, changes, "[edit]\n+   protocols {\n+       bgp {\n+           group g {\n")
	require.Contains(t, changes, "; ## SECRET-DATA")
	require.NotContains(t, changes, "hush")
	c.ok("<discard-changes/>")
	require.NotContains(t, c.ask(compare), "mtu")
}

func TestAKeyIsShownAsJunosShowsIt(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	c.edit(`<protocols><bgp><group><name>g</name><authentication-key>lc</authentication-key></group></bgp></protocols>`)
	c.ok(commitNow)
	require.True(t, s.has("<authentication-key>$9$"))
	require.False(t, s.has(">lc<"))
}

func TestWhoIsEditingStandsAtTheEndOfWhatIsRead(t *testing.T) {
	t.Parallel()
	s := serve(t)
	holder, other := s.dial(t), s.dial(t)
	require.NotContains(t, other.ask(get("candidate", "")), "database-status")
	holder.ok(lockCandidate)
	status := other.ask(get("candidate", "<version/>"))
	require.Contains(t, status, "<user>u</user><terminal/><pid>"+holder.id+"</pid>")
	require.Contains(t, status, fmt.Sprintf(`junos:seconds="%d`, time.Now().Unix()/1000))
	holder.ok(unlockCandidate)
	s.fault(t, "lock-held", 1, 0)
	require.Contains(t, other.ask(lockCandidate), "operator terminal (pid 41) on since "+time.Now().UTC().Format("2006-01-"))
	require.Contains(t, other.ask(get("candidate", "<version/>")), "<user>operator</user>")
}

func TestNeighboursAndPeersAreShownAsTold(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	s.SetNeighbors(Neighbor{Port: "xe-0/0/1", Chassis: "aa:bb:cc:00:00:01", System: "m1"})
	heard := c.ask("<get-lldp-neighbors-information/>")
	require.Contains(t, heard, "<lldp-local-port-id>xe-0/0/1</lldp-local-port-id>")
	require.NotContains(t, heard, "lldp-remote-port-description", "what nobody knows is left out")

	c.edit(`<protocols><bgp><group><name>g</name><peer-as>65000</peer-as><neighbor><name>10.0.0.1</name></neighbor><neighbor><name>2001:db8::1</name></neighbor></group></bgp></protocols>`)
	c.ok(commitNow)
	s.SetPeer(netip.MustParseAddr("10.0.0.1"), Peer{State: "Established", Since: time.Now().Add(-time.Minute), Received: 2, Accepted: 1})
	summary := c.ask("<get-bgp-summary-information/>")
	require.Contains(t, summary, "<peer-address>10.0.0.1+40179</peer-address>")
	require.Contains(t, summary, "<accepted-prefix-count>1</accepted-prefix-count>")
	require.Contains(t, summary, "<peer-address>2001:db8::1</peer-address><peer-as>65000</peer-as><peer-state>Active</peer-state>")
}

func TestWhatIsRefusedOnlyAtTheCommitIsRefusedAtValidate(t *testing.T) {
	t.Parallel()
	const address = `<unit><name>0</name><family><inet><address><name>10.0.0.0/31</name></address></inet></family></unit>`
	for words, change := range map[string]string{
		"Referenced policer": `<firewall><family><inet><filter><name>f</name><term><name>t</name><then><policer>p</policer></then></term></filter></inet></family></firewall>`,
		"prefix-list &#39;l&#39; not defined": `<policy-options><policy-statement><name>s</name><term><name>t</name><from><prefix-list-filter><list_name>l</list_name>` +
			`<orlonger/></prefix-list-filter></from></term></policy-statement></policy-options>`,
		"Policy s referenced":      `<protocols><bgp><group><name>g</name><import>s</import></group></bgp></protocols>`,
		"also configured in group": `<protocols><bgp><group><name>g</name><neighbor><name>10.0.0.1</name></neighbor></group><group><name>h</name><neighbor><name>10.0.0.1</name></neighbor></group></bgp></protocols>`,
		"aggregated links":         `<interfaces><interface><name>a</name><ether-options><ieee-802.3ad><bundle>ae1</bundle></ieee-802.3ad></ether-options>` + address + `</interface></interfaces>`,
		"identical local address":  `<interfaces><interface><name>a</name>` + address + `</interface><interface><name>b</name>` + address + `</interface></interfaces>`,
	} {
		c := serve(t).dial(t)
		c.edit(change)
		require.Contains(t, c.ask("<validate><source><candidate/></source></validate>"), words)
		require.Contains(t, c.ask(commitNow), words)
	}
}

func TestMalformedRoutingIsRefusedAsItIsLoaded(t *testing.T) {
	t.Parallel()
	c := serve(t).dial(t)
	for _, change := range []string{
		`<policy-options><prefix-list><name>l</name><prefix-list-item><name>x</name></prefix-list-item></prefix-list></policy-options>`,
		`<routing-options><static><route><name>2001:db8::/64</name></route></static></routing-options>`,
		`<routing-options><rib><name>inet6.0</name><static><route><name>2001:db8::/64</name><next-hop>10.0.0.1</next-hop></route></static></rib></routing-options>`,
		`<protocols><bgp><group><name>g</name><peer-as>4294967296</peer-as></group></bgp></protocols>`,
		`<protocols><bgp><group><name>g</name><neighbor><name>m7</name></neighbor></group></bgp></protocols>`,
	} {
		require.Contains(t, c.ask(editConfig(change, "")), "invalid-value", change)
	}
}

func TestAnyOperationCanFail(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.dial(t)
	s.fault(t, "refused", 1, 0)
	require.Contains(t, c.ask(lockCandidate), "refused by the fault")
	s.fault(t, "slow", 1, 20*time.Millisecond)
	began := time.Now()
	c.ok(lockCandidate)
	require.GreaterOrEqual(t, time.Since(began), 20*time.Millisecond)
	for name, takesEffect := range map[string]bool{"drop-before": false, "drop-after": true} {
		s := serve(t)
		c := s.dial(t)
		c.edit(mtu("1500"))
		s.fault(t, name, 1, 0)
		_, err := c.try(commitNow)
		require.Error(t, err)
		require.Equal(t, takesEffect, s.has("1500"), name)
	}
}

func TestACommitTakesAsLongAsItIsTold(t *testing.T) {
	t.Parallel()
	c := serve(t, func(c *Config) { c.CommitDelay = 30 * time.Millisecond }).dial(t)
	began := time.Now()
	c.ok(commitNow)
	require.GreaterOrEqual(t, time.Since(began), 30*time.Millisecond)
}
