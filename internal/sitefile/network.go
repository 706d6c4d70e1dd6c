package sitefile

import (
	"net/netip"

	"millwright/internal/metal"
)

func (p *parser) boot(root object) {
	if root.values["boot"] == nil {
		return
	}
	o := p.object(entry{"boot", root.at("boot"), root.values["boot"]}, []string{"addresses"}, nil)
	for _, w := range o.words("addresses") {
		// DHCP is IPv4, and so is every install link: an IPv6 address would
		// never be asked for anything.
		addr, err := netip.ParseAddr(w.name)
		if err != nil || !addr.Is4() {
			p.problem(w.line, "boot address %q is not an IPv4 address; write one like 192.0.2.7", w.name)
			continue
		}
		p.once("boot address", addr.String(), w.line)
		p.site.Boot = append(p.site.Boot, addr)
	}
}

// bgp reads how machines peer. AS numbers are RFC 4271's of RFC 6793's width.
func (p *parser) bgp(root object) {
	if root.values["bgp"] == nil {
		return
	}
	o := p.object(entry{"bgp", root.at("bgp"), root.values["bgp"]}, []string{"as", "peer_as", "addresses"}, nil)
	p.site.BGP.AS, p.site.BGP.PeerAS = p.asNumber(o, "as"), p.asNumber(o, "peer_as")
	families := map[bool]bool{}
	for _, w := range o.words("addresses") {
		addr, err := netip.ParseAddr(w.name)
		if err != nil || addr.Is4In6() || addr.Zone() != "" {
			p.problem(w.line, "bgp address %q is not an address; write one like 169.254.255.1", w.name)
			continue
		}
		if families[addr.Is4()] {
			p.problem(w.line, "bgp address %s is the second of its family; name one IPv4 and one IPv6 address at most", addr)
		}
		families[addr.Is4()] = true
		p.site.BGP.Addresses = append(p.site.BGP.Addresses, addr)
	}
}

func (p *parser) asNumber(o object, key string) int64 {
	n := int64(o.number(key))
	if n != 0 && (n > 4294967294 || n == 23456 || n == 65535) {
		p.problem(o.at(key), "%s of bgp is %d, which is reserved; write an AS number like 65000", key, n)
	}
	return n
}

func (p *parser) blocks(root object) {
	lines := []int{} // of the blocks kept so far
	for _, n := range root.list("blocks") {
		o := p.object(entry{"block", n.Line, n}, []string{"prefix", "role"}, []string{"projects"})
		block := Block{Prefix: p.prefix(o), Role: choice(o, "role", metal.Install, metal.Public, metal.Private, metal.Management, metal.Loopback, metal.Connect, metal.Anycast)}
		block.Projects = p.projects(o)
		if !block.Prefix.IsValid() {
			continue
		}
		p.fits(o, block)
		for i, other := range p.site.Blocks {
			if other.Prefix.Overlaps(block.Prefix) {
				p.problem(o.at("prefix"), "block %s overlaps block %s of line %d; make them disjoint",
					block.Prefix, other.Prefix, lines[i])
			}
		}
		p.site.Blocks = append(p.site.Blocks, block)
		lines = append(lines, o.at("prefix"))
	}
}

func (p *parser) prefix(o object) netip.Prefix {
	text := o.text("prefix")
	if text == "" {
		return netip.Prefix{}
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil || prefix.Addr().Is4In6():
		p.problem(o.at("prefix"), "prefix %q is not a prefix; write one like 10.64.0.0/16 or 2001:db8::/56", text)
		return netip.Prefix{}
	case prefix != prefix.Masked():
		p.problem(o.at("prefix"), "prefix %s has host bits set; write %s", prefix, prefix.Masked())
	}
	return prefix.Masked()
}

// fits checks what a block can be used for. Boot services must stand outside
// every block, or their address would one day be leased to a machine.
func (p *parser) fits(o object, b Block) {
	if b.Prefix.Addr().Is6() && (b.Role == metal.Install || b.Role == metal.Private) {
		p.problem(o.at("prefix"), "block %s is IPv6 and its role is %s, which is IPv4 only; give it the role public", b.Prefix, b.Role)
	}
	if linked := b.Role == metal.Install || b.Role == metal.Private || b.Role == metal.Public; linked && b.Prefix.IsSingleIP() {
		p.problem(o.at("prefix"), "block %s cannot hold a link of two addresses; make it larger", b.Prefix)
	}
	for _, a := range p.site.Aggregates {
		if a.Prefix.Overlaps(b.Prefix) && a.Prefix.Bits() > b.Prefix.Bits() {
			p.problem(o.at("prefix"), "block %s is larger than aggregate %s; a block is cut from one aggregate", b.Prefix, a.Prefix)
		}
	}
	for _, boot := range p.site.Boot {
		if b.Prefix.Contains(boot) {
			p.problem(o.at("prefix"), "block %s contains the boot address %s; move one of them", b.Prefix, boot)
		}
	}
}

// installRoom checks that there is an install link for each port. Links are
// permanent, so a site that is short of them can never boot its last machines.
func (p *parser) installRoom(root object) {
	links, blocks := 0, 0
	for _, b := range p.site.Blocks {
		if b.Role == metal.Install && b.Prefix.Addr().Is4() {
			blocks++
			links += 1 << (32 - b.Prefix.Bits()) / 2
		}
	}
	if root.values["blocks"] != nil && p.ports > links {
		p.problem(root.at("blocks"), "the %d install blocks hold %d links and the machines have %d ports; add or enlarge a block",
			blocks, links, p.ports)
	}
}
