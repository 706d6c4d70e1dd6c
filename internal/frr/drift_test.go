package frr

import (
	"context"
	"iter"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/netrack"
)

func TestWhatAHandChangesInAPortIsReportedAndRepaired(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	p := r.rich()
	r.apply(t, p)
	for name, hand := range map[string]struct{ script, shows string }{
		"an address more":     {"ip addr add 172.16.0.1/24 dev swp1", "- address: 172.16.0.1/24"},
		"an address less":     {"ip addr del 198.51.100.0/31 dev swp1", "+ address: 198.51.100.0/31"},
		"another order":       {"ip addr del 10.0.0.0/31 dev swp1; ip addr add 10.0.0.0/31 dev swp1", "+ address: 10.0.0.0/31 first"},
		"no IPv6":             {"ip addr del 2001:db8:0:1::/127 dev swp1", "+ address: 2001:db8:0:1::/127"},
		"down":                {"ip link set swp1 down", "- link: down"},
		"another's name":      {`ip link set swp1 alias "Bob's port"`, "- alias: Bob"},
		"an open filter":      {"nft insert rule inet millwright from-swp1 accept", "- filter: from-swp1: accept"},
		"rules turned round":  {"nft flush chain inet millwright at-swp1; nft add rule inet millwright at-swp1 drop", "+ filter: at-swp1: limit"},
		"an empty filter":     {"nft flush chain inet millwright from-swp1", "+ filter: from-swp1: drop"},
		"no way to a filter":  {"nft flush chain inet millwright received", "received: iifname swp1"},
		"no filters at all":   {"nft delete table inet millwright", "+ filter: received: type filter"},
		"a foreign chain":     {"nft add chain inet millwright extra", "- filter: foreign to the table: extra"},
		"a route more":        {vtysh("ip route 203.0.113.65/32 198.51.100.1 swp1"), "- top: ip route 203.0.113.65/32"},
		"a route less":        {vtysh("no ip route 203.0.113.64/32 198.51.100.1 swp1"), "+ top: ip route 203.0.113.64/32"},
		"a longer list":       {vtysh("ip prefix-list millwright-swp1-4 seq 1 permit any"), "- top: ip prefix-list"},
		"no advertisements":   {vtysh("interface swp1", "ipv6 nd suppress-ra"), "+ interface: no ipv6"},
		"no neighbour":        {vtysh("router bgp", "no neighbor 198.51.100.1"), "+ bgp: neighbor 198.51.100.1 remote-as"},
		"a nameless one":      {vtysh("router bgp", "no neighbor 198.51.100.1 description"), "+ bgp: neighbor 198.51.100.1 description"},
		"another key":         {vtysh("router bgp", "neighbor 198.51.100.1 password guess"), "~ the key of a BGP session"},
		"a neighbour's limit": {vtysh("router bgp", "address-family ipv4 unicast", "no neighbor 198.51.100.1 maximum-prefix"), "+ bgp ipv4: neighbor 198.51.100.1 maximum-prefix"},
		"IPv4 off":            {vtysh("router bgp", "address-family ipv4 unicast", "no neighbor 198.51.100.1 activate"), "+ bgp ipv4: neighbor 198.51.100.1 activate"},
		"not listening":       {"ip addr del 169.254.255.1/32 dev lo", "+ loopback: 169.254.255.1/32"},
		"no next hop":         {vtysh("no route-map millwright-in"), "+ inbound: set ip next-hop"},
	} {
		r.byHand(t, hand.script)
		drift := r.drift(t, p)
		require.Len(t, drift, 1, name)
		require.Equal(t, p.Port, drift[0].Port)
		require.Contains(t, drift[0].Diff, hand.shows, name)
		require.NotContains(t, drift[0].Diff, key)
		require.NotContains(t, drift[0].Diff, "guess")
		plan, err := r.driver.Plan(t.Context(), r.sw, []metal.PortIntent{p})
		require.NoError(t, err)
		require.Equal(t, p.Port.String()+"\n"+drift[0].Diff, plan)
		require.Equal(t, []metal.Port{p.Port}, r.apply(t, p).Changed, name)
	}
}

func TestAPortIsRepairedWithoutTheOthers(t *testing.T) {
	t.Parallel()
	r := setup(t, 2)
	p, other := r.Tenant(0), r.Parked(1)
	r.apply(t, p, other)
	r.byHand(t, `nft insert rule inet millwright from-swp1 accept
nft insert rule inet millwright from-swp2 ip saddr 10.9.9.9 counter accept comment "\"mine\""`)
	r.apply(t, p)
	drift := r.drift(t, p, other)
	require.Len(t, drift, 1, "nobody asked for the other one")
	require.Contains(t, drift[0].Diff, `- filter: from-swp2: ip saddr 10.9.9.9`)
	r.apply(t, p, other)
}

func TestWhatIsNotOursIsNotTouched(t *testing.T) {
	t.Parallel()
	r := setup(t, 2)
	r.byHand(t, `ip addr add 172.16.0.1/24 dev swp2
ip link set swp2 alias "the operators' own"
nft add table inet theirs
nft add chain inet theirs forward '{ type filter hook forward priority 0; }'
nft add rule inet theirs forward ip saddr 10.99.0.0/16 drop`)
	r.byHand(t, vtysh("ip route 172.17.0.0/16 172.16.0.2 swp2", "ip prefix-list theirs seq 5 permit 10.0.0.0/8"))
	r.byHand(t, vtysh("interface swp1", "ipv6 nd ra-interval 30"))
	look := "ip -4 addr show dev swp2; ip -4 addr show dev boot0; ip link show swp2; nft -s list table inet theirs"
	theirs := r.byHand(t, look)
	p := r.speaking(0, "203.0.113.0/28")
	r.apply(t, p)
	r.apply(t, r.Parked(0))
	require.Equal(t, theirs, r.byHand(t, look))
	left := r.byHand(t, "vtysh -c 'show running-config'")
	for _, want := range []string{"ip route 172.17.0.0/16 172.16.0.2 swp2", "ip prefix-list theirs seq 5", "ipv6 nd ra-interval 30"} {
		require.Contains(t, left, want)
	}
	require.Empty(t, r.managed(t), "an address on a port that is not ours is no leak")
}

func TestAPortThatCannotBeIsRefusedAndTheOthersAreMade(t *testing.T) {
	t.Parallel()
	r := setup(t, 2)
	good, bad := r.Tenant(0), r.Tenant(1)
	for why, spoil := range map[string]func(p *metal.PortIntent){
		"no such interface":        func(p *metal.PortIntent) { p.Port.Name = "swp9" },
		"no name of a port":        func(p *metal.PortIntent) { p.Port.Name = "swp1; reboot" },
		"not a port of switch":     func(p *metal.PortIntent) { p.Port.Switch = "tor-r2" },
		"no /30, /31 or /127":      func(p *metal.PortIntent) { p.Links[0].Prefix = prefix("198.51.100.0/24") },
		"is on interface boot0":    func(p *metal.PortIntent) { p.Links[0].Prefix = prefix("10.255.0.0/31") },
		"no link of its family":    func(p *metal.PortIntent) { p.Links, p.Routed = p.Links[:1], []netip.Prefix{prefix("2001:db8::/64")} },
		"names of letters":         func(p *metal.PortIntent) { p.Machine = "m2\"; link del swp1" },
		"no such credential":       func(p *metal.PortIntent) { b := *r.speaking(1).BGP; b.Secret = "gone"; p.BGP = &b },
		"its key has spaces":       func(p *metal.PortIntent) { b := *r.speaking(1).BGP; b.Secret = "spaced"; p.BGP = &b },
		"of that family to listen": func(p *metal.PortIntent) { b := *r.speaking(1).BGP; b.Switch = b.Switch[:1]; p.BGP = &b },
	} {
		r.apply(t, r.Parked(0), r.Parked(1))
		p := bad
		p.Links = append([]metal.Link{}, bad.Links...)
		spoil(&p)
		done, err := r.driver.Apply(t.Context(), r.sw, asked(good, p))
		require.NoError(t, err, why)
		require.Equal(t, []metal.Port{good.Port}, done.Changed, why)
		require.Len(t, done.Refused, 1)
		require.Contains(t, done.Refused[p.Port], why)
		require.Empty(t, r.drift(t, good))
		drift := r.drift(t, good, p)
		require.Len(t, drift, 1)
		require.Contains(t, drift[0].Diff, why)
		require.Empty(t, r.drift(t, r.Parked(1)), "the refused one is as it was")
	}
}

func TestAPortThatTheSwitchDoesNotTakeIsRefusedInItsWords(t *testing.T) {
	t.Parallel()
	r := setup(t, 2)
	r.apply(t, r.Parked(0), r.Parked(1))
	r.byHand(t, "echo 1 >/proc/sys/net/ipv6/conf/swp2/disable_ipv6")
	good, bad := r.Tenant(0), r.Tenant(1)
	done, err := r.driver.Apply(t.Context(), r.sw, asked(good, bad))
	require.NoError(t, err)
	require.Equal(t, []metal.Port{good.Port}, done.Changed)
	require.Contains(t, done.Refused[bad.Port], "IPv6 is disabled on this device")
	require.Contains(t, done.Refused[bad.Port], "+ address: 2001:db8:0:1::2/127")
	require.Empty(t, r.drift(t, good, r.Parked(1)))
}

func TestABusyLockSaysWhoHasItAndSinceWhen(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	began := time.Now().Add(-time.Second)
	p := r.Parked(0)
	_, err := r.driver.Apply(t.Context(), r.sw, func(ctx context.Context) (metal.Change, error) {
		_, err := r.driver.Apply(ctx, r.sw, asked(p))
		var held *LockHeld
		require.ErrorAs(t, err, &held)
		require.Equal(t, "root", held.Holder().User)
		require.NotEmpty(t, held.Session)
		require.WithinRange(t, held.Since, began.Add(-time.Second), time.Now())
		require.ErrorContains(t, err, "tor-r1")
		require.ErrorContains(t, err, "since")
		require.Len(t, r.drift(t, p), 1, "looking needs no lock")
		return metal.Change{Ports: []metal.PortIntent{p}}, nil
	})
	require.NoError(t, err)
	require.Empty(t, r.drift(t, p), "what is pending is asked for under the lock")
	r.apply(t, r.Tenant(0))
}

func TestAKeyLogsInAndAWrongPasswordOrHostKeyIsFinal(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	p := r.Parked(0)
	r.sw.Credential = netrack.KeyCredential
	r.apply(t, p)
	r.driver.Credentials = func(context.Context, string) (metal.Credential, error) {
		return metal.Credential{User: "root", Password: "guess"}, nil
	}
	_, err := r.driver.Drift(t.Context(), r.sw, []metal.PortIntent{p})
	require.ErrorIs(t, err, metal.ErrBadCredentials)
	require.NotContains(t, err.Error(), "guess")
	r.sw.HostKey = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	_, err = r.driver.Drift(t.Context(), r.sw, []metal.PortIntent{p})
	require.ErrorIs(t, err, metal.ErrFingerprint)
	require.ErrorContains(t, err, r.Switch().HostKey, "an operator sees what the switch showed")
}

func TestTheFiltersOfTheLastChangeAreKeptForTheNextStart(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	p := r.Tenant(0)
	r.apply(t, p)
	r.byHand(t, "nft delete table inet millwright; nft -f /var/lib/millwright/filters.nft")
	require.Empty(t, r.drift(t, p))
}

// vtysh is a script that configures FRR by hand.
func vtysh(commands ...string) string {
	return "vtysh -c 'configure terminal' -c '" + strings.Join(commands, "' -c '") + "'"
}

func linesOf(text string) iter.Seq[string] { return strings.Lines(text) }
