package ipam

import (
	"math"
	"net/netip"
	"slices"
)

// Family is 4 or 6.
func Family(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 4
	}
	return 6
}

// Units is a prefix's size as people count it: addresses for IPv4, /64s for
// IPv6, as a fraction where it is smaller than one.
func Units(p netip.Prefix) float64 {
	whole := 32
	if Family(p) == 6 {
		whole = 64
	}
	return math.Ldexp(1, whole-p.Bits())
}

// Unit names what Units counts.
func Unit(family int) string {
	if family == 4 {
		return "addresses"
	}
	return "/64s"
}

// Covers says whether inner lies in outer, or is it.
func Covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// LastAddr is the highest address of a prefix.
func LastAddr(p netip.Prefix) netip.Addr {
	bytes := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(bytes) // 4 or 16 bytes, as they came from an address
	return last
}

// Rest is what of whole is outside every prefix of taken, in as few prefixes as
// there can be, in order. Prefixes of taken may nest and may lie elsewhere.
func Rest(whole netip.Prefix, taken []netip.Prefix) []netip.Prefix {
	inside := []netip.Prefix{}
	for _, p := range taken {
		if Covers(p, whole) {
			return nil
		}
		if Covers(whole, p) {
			inside = append(inside, p)
		}
	}
	slices.SortFunc(inside, netip.Prefix.Compare)
	return rest(nil, whole, inside)
}

// rest appends to found. taken is sorted, not empty of what whole covers, and
// all of it lies in whole: so each half finds its own as one run.
func rest(found []netip.Prefix, whole netip.Prefix, taken []netip.Prefix) []netip.Prefix {
	switch {
	case len(taken) == 0:
		return append(found, whole)
	case taken[0].Bits() <= whole.Bits():
		return found
	}
	low, high := halves(whole)
	cut, _ := slices.BinarySearchFunc(taken, high, func(p, half netip.Prefix) int {
		return p.Addr().Compare(half.Addr())
	})
	return rest(rest(found, low, taken[:cut]), high, taken[cut:])
}

func halves(p netip.Prefix) (low, high netip.Prefix) {
	low = netip.PrefixFrom(p.Addr(), p.Bits()+1)
	bytes := p.Addr().AsSlice()
	bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	addr, _ := netip.AddrFromSlice(bytes) // 4 or 16 bytes, as they came from an address
	return low, netip.PrefixFrom(addr, p.Bits()+1)
}
