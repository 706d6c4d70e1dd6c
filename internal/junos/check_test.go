package junos

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// wrongPorts are what Juniper's model takes and no switch should be told.
var wrongPorts = map[string]func(*metal.PortIntent){
	"another switch's port":         func(p *metal.PortIntent) { p.Port.Switch = "tor-r2" },
	"members of no bundle":          func(p *metal.PortIntent) { p.Members = []string{"xe-0/0/8"} },
	"a member twice":                func(p *metal.PortIntent) { p.Port.Name, p.Members = "ae7", []string{"xe-0/0/7", "xe-0/0/7"} },
	"a bundle in a bundle":          func(p *metal.PortIntent) { p.Port.Name, p.Members = "ae7", []string{"ae8"} },
	"no profile":                    func(p *metal.PortIntent) { p.Profile = "" },
	"an install link of IPv6":       func(p *metal.PortIntent) { p.Install = link("2001:db8::/127", metal.Install) },
	"no boot services":              func(p *metal.PortIntent) { p.Boot = nil },
	"boot services for all":         func(p *metal.PortIntent) { p.Boot = []netip.Addr{netip.MustParseAddr("224.0.0.1")} },
	"a link with room for more":     func(p *metal.PortIntent) { p.Links[0] = link("198.51.100.0/29", metal.Public) },
	"a link of half a subnet":       func(p *metal.PortIntent) { p.Links[0] = link("198.51.100.7/31", metal.Public) },
	"links that overlap":            func(p *metal.PortIntent) { p.Links[1] = p.Links[0] },
	"a link over a boot service":    func(p *metal.PortIntent) { p.Links[0] = link("10.9.0.2/31", metal.Public) },
	"a link of no hosts":            func(p *metal.PortIntent) { p.Links[0] = link("0.0.0.0/31", metal.Public) },
	"a routed prefix not masked":    func(p *metal.PortIntent) { p.Routed = []netip.Prefix{netip.MustParsePrefix("203.0.113.1/24")} },
	"a routed default":              func(p *metal.PortIntent) { p.Routed = []netip.Prefix{netip.MustParsePrefix("::/0")} },
	"a routed boot service":         func(p *metal.PortIntent) { p.Routed = []netip.Prefix{netip.MustParsePrefix("10.9.0.0/24")} },
	"a routed install link":         func(p *metal.PortIntent) { p.Routed = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} },
	"a route without a link":        func(p *metal.PortIntent) { p.Links = p.Links[:2] },
	"an announced default":          func(p *metal.PortIntent) { p.BGP.Announce = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} },
	"an announced boot service":     func(p *metal.PortIntent) { p.BGP.Announce = []netip.Prefix{netip.MustParsePrefix("10.9.0.2/32")} },
	"AS 0":                          func(p *metal.PortIntent) { p.BGP.PeerAS = 0 },
	"AS_TRANS":                      func(p *metal.PortIntent) { p.BGP.LocalAS = 23456 },
	"AS 65535":                      func(p *metal.PortIntent) { p.BGP.PeerAS = 65535 },
	"AS 4294967295":                 func(p *metal.PortIntent) { p.BGP.PeerAS = 4294967295 },
	"one AS on both sides":          func(p *metal.PortIntent) { p.BGP.PeerAS = p.BGP.LocalAS },
	"no limit":                      func(p *metal.PortIntent) { p.BGP.Limit = 0 },
	"no machine to peer with":       func(p *metal.PortIntent) { p.BGP.Machine = nil },
	"two machines of a family":      func(p *metal.PortIntent) { p.BGP.Machine = append(p.BGP.Machine, netip.MustParseAddr("198.51.100.7")) },
	"a machine with another's end":  func(p *metal.PortIntent) { p.BGP.Machine[0] = netip.MustParseAddr("10.64.0.9") },
	"no switch to peer with":        func(p *metal.PortIntent) { p.BGP.Switch = p.BGP.Switch[:1] },
	"a key that nobody has":         func(p *metal.PortIntent) { p.BGP.Secret = "gone" },
	"a key that Junos misreads":     func(p *metal.PortIntent) { p.BGP.Secret = "odd" },
	"a prefix in the wrong clothes": func(p *metal.PortIntent) { p.Routed[0] = netip.MustParsePrefix("::ffff:203.0.113.0/120") },
}

func TestWhatTheModelTakesAndNoSwitchShouldBeToldIsRefused(t *testing.T) {
	t.Parallel()
	keys := keyring{"bgp-m7": {key: fakeKey}, "gone": {err: metal.ErrNoSecret}, "odd": {err: usable("$9$odd")}}
	for name, spoil := range wrongPorts {
		p := peering(routed(tenant("xe-0/0/7")))
		spoil(&p)
		d := render(metal.Switch{ID: "tor-r1"}, []metal.PortIntent{p}, keys)
		require.Empty(t, d.ports, name)
		require.ErrorContains(t, d.refused[p.Port], "port "+p.Port.String(), name)
		if !strings.Contains(name, "nobody has") {
			require.ErrorIs(t, d.refused[p.Port], metal.ErrUnsupported, name)
		}
	}
	good := peering(routed(tenant("xe-0/0/7")))
	require.Empty(t, render(metal.Switch{ID: "tor-r1"}, []metal.PortIntent{good}, keys).refused)
}

func TestOneWrongPortKeepsNoOtherFromItsChange(t *testing.T) {
	t.Parallel()
	wrong, otherBoot := apart(1), apart(2)
	wrong.Links[0] = link("198.51.100.0/29", metal.Public)
	otherBoot.Boot = otherBoot.Boot[:1]
	d := render(metal.Switch{ID: "tor-r1"}, []metal.PortIntent{apart(0), wrong, otherBoot, apart(3)}, nil)
	require.Equal(t, []metal.Port{apart(0).Port, apart(3).Port}, d.names())
	require.Len(t, d.refused, 2)
	require.ErrorContains(t, d.refused[otherBoot.Port], "boot services")
}

func TestAPlaceThatTwoPortsWantIsTheFirstOnes(t *testing.T) {
	t.Parallel()
	first, second := apart(0), apart(1)
	first.Routed = []netip.Prefix{netip.MustParsePrefix("203.0.113.9/32")}
	second.Routed = first.Routed
	d := render(metal.Switch{ID: "tor-r1"}, []metal.PortIntent{first, second}, nil)
	require.Equal(t, []metal.Port{first.Port}, d.names())
	require.ErrorContains(t, d.refused[second.Port], "route 203.0.113.9/32 is port "+first.Port.String()+"'s")
}

func TestANameThatNothingDefinesIsFoundInWhatWasRendered(t *testing.T) {
	t.Parallel()
	pieces := piecesOf(t, peering(tenant("xe-0/0/7")))
	require.NoError(t, dangling(pieces))
	for i, p := range pieces {
		switch p.step.tag {
		case "filter", "policer", "prefix-list", "policy-statement", "server-group":
		default:
			continue
		}
		if p.want == nil {
			continue
		}
		without := append(append([]piece{}, pieces[:i]...), pieces[i+1:]...)
		require.ErrorContains(t, dangling(without), p.step.key, p.place())
	}
}

func TestSourcesAreAsFewPrefixesAsCanBe(t *testing.T) {
	t.Parallel()
	var many []netip.Prefix
	for _, p := range []string{
		"203.0.113.7/32", "203.0.113.4/31", "203.0.113.6/32", "203.0.113.0/30", "203.0.113.1/32", "198.51.100.1/32", "198.51.100.2/32",
	} {
		many = append(many, netip.MustParsePrefix(p))
	}
	require.Equal(t, []netip.Prefix{
		netip.MustParsePrefix("198.51.100.1/32"), netip.MustParsePrefix("198.51.100.2/32"), netip.MustParsePrefix("203.0.113.0/29"),
	}, fewest(many))
}

// Whatever prefixes there are, as few cover the same addresses and no others.
func FuzzFewestCoverTheSameAddresses(f *testing.F) {
	f.Add([]byte{1, 8, 2, 8, 3, 7, 0, 6})
	f.Add([]byte{0, 1, 128, 1})
	f.Fuzz(func(t *testing.T, pairs []byte) {
		var many []netip.Prefix
		for ; len(pairs) > 1; pairs = pairs[2:] {
			p, err := netip.AddrFrom4([4]byte{10, 0, 0, pairs[0]}).Prefix(24 + int(pairs[1]%9))
			require.NoError(t, err)
			many = append(many, p)
		}
		few := fewest(append([]netip.Prefix{}, many...))
		require.LessOrEqual(t, len(few), len(many))
		for i := range 256 {
			a := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			_, before := containing(many, a)
			n, after := containing(few, a)
			require.Equal(t, before, after, a)
			require.LessOrEqual(t, n, 1, "no address is covered twice")
		}
	})
}

func containing(prefixes []netip.Prefix, a netip.Addr) (n int, any bool) {
	for _, p := range prefixes {
		if p.Contains(a) {
			n++
		}
	}
	return n, n > 0
}
