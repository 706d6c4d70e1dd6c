package ipam

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"millwright/internal/metal"
)

// roles are all roles, in the order in which people are told them.
var roles = []metal.Role{metal.Public, metal.Private, metal.Install, metal.Management, metal.Loopback, metal.Connect, metal.Anycast}

func rolesText() string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return strings.Join(words, ", ")
}

// ParsePrefix reads a prefix as a person writes it. It refuses host bits, and
// says what the prefix would be: whoever writes 10.0.0.1/24 may mean an address
// or a network, and guessing gives somebody 256 addresses too many.
func ParsePrefix(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "/") {
		return netip.Prefix{}, lengthless(text)
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q: %w; write one like 198.51.100.0/24 or 2001:db8::/56", text, metal.ErrInvalidPrefix)
	case prefix.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%s: %w: it is IPv4 in the form of IPv6; write %s/…", text, metal.ErrInvalidPrefix, prefix.Addr().Unmap())
	case prefix != prefix.Masked():
		return netip.Prefix{}, fmt.Errorf("%s: %w: it has host bits; write %s for the network, or %s/%d for the address",
			text, metal.ErrInvalidPrefix, prefix.Masked(), prefix.Addr(), prefix.Addr().BitLen())
	}
	return prefix, nil
}

// lengthless says what an address without a length could have been.
func lengthless(text string) error {
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Is4In6() || addr.Zone() != "" {
		return fmt.Errorf("%q: %w; write one like 198.51.100.0/24 or 2001:db8::/56", text, metal.ErrInvalidPrefix)
	}
	return fmt.Errorf("%s: %w: it has no length; write %s/%d for the one address", text, metal.ErrInvalidPrefix, addr, addr.BitLen())
}

// ParseSize reads how large a prefix somebody wants from a block: "/28", "28",
// or a count of addresses of IPv4 as "16 addresses".
func ParseSize(text string, block netip.Prefix) (int, error) {
	word, count := strings.CutSuffix(strings.TrimSpace(text), " addresses")
	n, err := strconv.Atoi(strings.TrimPrefix(word, "/"))
	longest := block.Addr().BitLen()
	switch {
	case err != nil || n < 0:
		return 0, fmt.Errorf("size %q: %w; write a length like /%d", text, metal.ErrInvalidPrefix, longest)
	case count && Family(block) == 6:
		return 0, fmt.Errorf("size %q: %w: IPv6 is not counted in addresses; write a length like /64", text, metal.ErrInvalidPrefix)
	case count && (n == 0 || n&(n-1) != 0):
		return 0, fmt.Errorf("size %q: %w: a prefix has a power of two addresses; write 1, 2, 4, 8, …", text, metal.ErrInvalidPrefix)
	}
	for ; count && n > 1; n /= 2 {
		longest--
	}
	if count {
		n = longest
	}
	return n, CheckSize(block, n)
}

// CheckSize says whether a block can hold a prefix of a length at all, full or
// not.
func CheckSize(block netip.Prefix, bits int) error {
	longest := block.Addr().BitLen()
	if bits >= block.Bits() && bits <= longest {
		return nil
	}
	if bits < block.Bits() && bits >= 0 {
		return fmt.Errorf("a /%d: %w: block %s cannot hold it; ask for /%d to /%d, or name a larger block",
			bits, metal.ErrInvalidPrefix, block, block.Bits(), longest)
	}
	return fmt.Errorf("a /%d: %w: lengths in %s end at /%d; ask for /%d to /%d",
		bits, metal.ErrInvalidPrefix, block, longest, block.Bits(), longest)
}

// CheckWithin says whether a prefix can be taken from a block.
func CheckWithin(block, want netip.Prefix) error {
	switch {
	case Family(block) != Family(want):
		return fmt.Errorf("%s: %w: it is IPv%d and block %s is IPv%d; name a block of its family",
			want, metal.ErrInvalidPrefix, Family(want), block, Family(block))
	case !Covers(block, want):
		return fmt.Errorf("%s: %w: it is not within block %s; ask for one of %s to %s",
			want, metal.ErrInvalidPrefix, block, block.Masked().Addr(), LastAddr(block))
	}
	return nil
}

// CheckBlock says whether a block makes sense by itself. Whether there is room
// for it is a question to a Snapshot.
func CheckBlock(b metal.Block) error {
	switch {
	case !slices.Contains(roles, b.Role):
		return fmt.Errorf("block %s: %w: role is %q; write one of %s", b.Prefix, metal.ErrNotAllowed, b.Role, rolesText())
	case b.Role == metal.Anycast && b.Site != "":
		return fmt.Errorf("block %s: %w: anycast is of no site; leave %s out", b.Prefix, metal.ErrNotAllowed, b.Site)
	case b.Role != metal.Anycast && b.Site == "":
		return fmt.Errorf("block %s: %w: it has no site; name one", b.Prefix, metal.ErrNotAllowed)
	case b.Purpose == metal.Pool && b.Project != "":
		return fmt.Errorf("block %s: %w: a pool is no project's; write own or reservation, or leave %s out",
			b.Prefix, metal.ErrNotAllowed, b.Project)
	case (b.Purpose == metal.Own || b.Purpose == metal.Reservation) && b.Project == "":
		return fmt.Errorf("block %s: %w: purpose %s needs a project; name one", b.Prefix, metal.ErrNotAllowed, b.Purpose)
	case !slices.Contains([]metal.Purpose{metal.Pool, metal.Own, metal.Reservation}, b.Purpose):
		return fmt.Errorf("block %s: %w: purpose is %q; write pool, own or reservation", b.Prefix, metal.ErrNotAllowed, b.Purpose)
	}
	return nil
}

// CheckProject says whether a project may take from a block.
func CheckProject(b metal.Block, project metal.ProjectID) error {
	switch {
	case b.Project != "" && b.Project != project:
		return fmt.Errorf("block %s: %w for project %s: it is project %s's; name another block", b.Prefix, metal.ErrNotAllowed, project, b.Project)
	case len(b.Projects) > 0 && !slices.Contains(b.Projects, project):
		return fmt.Errorf("block %s: %w for project %s; add it to the block's projects, or name another block",
			b.Prefix, metal.ErrNotAllowed, project)
	}
	return nil
}

// CheckFree says whether a prefix overlaps no piece that is held or rests.
func CheckFree(want netip.Prefix, pieces []metal.Piece) error {
	for _, p := range pieces {
		if p.State == metal.Free || !p.Prefix.Overlaps(want) {
			continue
		}
		if p.State == metal.Resting {
			return fmt.Errorf("%s: %s is %w%s; ask again then, or for another prefix", want, p.Prefix, metal.ErrQuarantined, moment(p.FreedAt))
		}
		return fmt.Errorf("%s: %s is %w by %s; give it back first, or ask for another prefix", want, p.Prefix, metal.ErrInUse, p.Holder)
	}
	return nil
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + t.UTC().Format(time.RFC3339)
}

// CheckQuota says whether a project that has some units of a role may have more.
// A quota of 0 or less is none.
func CheckQuota(project metal.ProjectID, family int, has, wants, quota float64) error {
	if quota <= 0 || has+wants <= quota {
		return nil
	}
	return fmt.Errorf("project %s: %w: it has %s of %s %s and asks for %s more; give some back, or have the quota raised",
		project, metal.ErrQuota, short(has), short(quota), Unit(family), short(wants))
}

// CheckAggregate says whether an aggregate can be added to those that are there.
func CheckAggregate(want netip.Prefix, s Snapshot) error {
	for _, a := range s.Aggregates {
		if a.Prefix.Overlaps(want) {
			return fmt.Errorf("aggregate %s: %w: aggregate %s is there; cut a block from it instead", want, metal.ErrOverlap, a.Prefix)
		}
	}
	return nil
}
