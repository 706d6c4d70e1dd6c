package postgres

import (
	"context"
	"fmt"
	"net/netip"
)

// FreeIn lists prefixes of a length that are free in a block, lowest first; at
// most so many.
func (s *Store) FreeIn(ctx context.Context, block netip.Prefix, bits, most int) ([]netip.Prefix, error) {
	pieces, err := s.Queries().FreeIn(ctx, block)
	if err != nil {
		return nil, fmt.Errorf("what is free of %s: %w", block, err)
	}
	var all []netip.Prefix
	for _, piece := range pieces {
		if piece.Bits() > bits {
			continue
		}
		for p := netip.PrefixFrom(piece.Addr(), bits); p.IsValid() && piece.Contains(p.Addr()) && len(all) < most; p = after(p) {
			all = append(all, p)
		}
	}
	return all, nil
}

// after is the next prefix of the same length; invalid after the last one.
func after(p netip.Prefix) netip.Prefix {
	raw := p.Addr().AsSlice()
	for bit := p.Bits() - 1; bit >= 0; bit-- { // add one to what the mask covers
		one := byte(1) << (7 - bit%8)
		raw[bit/8] ^= one
		if raw[bit/8]&one != 0 { // nothing to carry
			addr, _ := netip.AddrFromSlice(raw)
			return netip.PrefixFrom(addr, p.Bits())
		}
	}
	return netip.Prefix{}
}
