package metal

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Zone is a DNS zone that Millwright makes names in, at the server that takes
// its updates.
//
// What a reverse zone is for stands in its name, also where less than a /24
// was delegated and the zone is named as in RFC 2317 section 4:
// 64/26.2.0.192.in-addr.arpa. That RFC allows any other name; then Addresses
// says it. The CNAMEs that lead there are the parent zone's, and not ours.
type Zone struct {
	Name       string
	Server     string        // its primary, host:port
	Credential string        // name of the credential: its user is the TSIG key's name, its password the key in base64
	Algorithm  string        // of that key, in tsig-keygen's words; hmac-sha256 if empty
	Addresses  netip.Prefix  // of a reverse zone whose name does not say it: a /25 to /32 of IPv4
	TTL        time.Duration // of what we write; 5 minutes if zero
}

const (
	arpa4 = ".in-addr.arpa"
	arpa6 = ".ip6.arpa" // RFC 3596 section 2.5
)

// tsigAlgorithms are those of RFC 8945 section 6 that may still be used.
var tsigAlgorithms = []string{"hmac-sha256", "hmac-sha384", "hmac-sha512"}

// TSIG gives the algorithm of the zone's key.
func (z Zone) TSIG() string { return cmp.Or(z.Algorithm, tsigAlgorithms[0]) }

// Check finds what would make every update of the zone fail.
func (z Zone) Check() error {
	_, _, err := net.SplitHostPort(z.Server)
	named, byName := prefixOf(z.Root())
	switch {
	case z.Root() == "" || strings.Contains(z.Root(), ".."):
		return fmt.Errorf("zone %q: want a name such as lab1.example.net: %w", z.Name, ErrBadZone)
	case err != nil:
		return fmt.Errorf("zone %s: server %q: want host:port: %w", z.Name, z.Server, ErrBadZone)
	case z.Credential == "":
		return fmt.Errorf("zone %s: want the name of a credential, for its TSIG key: %w", z.Name, ErrBadZone)
	case !slices.Contains(tsigAlgorithms, z.TSIG()):
		return fmt.Errorf("zone %s: algorithm %q: want one of %s: %w", z.Name, z.Algorithm, strings.Join(tsigAlgorithms, ", "), ErrBadZone)
	case z.Addresses.IsValid() && byName && named != z.Addresses:
		return fmt.Errorf("zone %s: its name says %s, its addresses %s: %w", z.Name, named, z.Addresses, ErrBadZone)
	case z.Addresses.IsValid() && !byName && !classless(z.Addresses):
		return fmt.Errorf("zone %s: addresses %s: want a /25 to /32 of IPv4; other zones say in their name what they are for: %w", z.Name, z.Addresses, ErrBadZone)
	case !z.Addresses.IsValid() && !byName && isArpa(z.Root()):
		return fmt.Errorf("zone %s: say which addresses it is for: its name does not: %w", z.Name, ErrBadZone)
	}
	return nil
}

// Root is the zone's name as names are compared: lower case, no final dot.
func (z Zone) Root() string { return strings.ToLower(strings.TrimSuffix(z.Name, ".")) }

// Contains says whether a name, as HostName gives it, is below the zone's own.
func (z Zone) Contains(name string) bool { return strings.HasSuffix(name, "."+z.Root()) }

// Reverse gives the addresses whose names stand in this zone; false for a
// zone of names.
func (z Zone) Reverse() (netip.Prefix, bool) {
	if p, ok := prefixOf(z.Root()); ok {
		return p, true
	}
	return z.Addresses, z.Addresses.IsValid()
}

// ReverseZone picks the zone that an address's name stands in: of those that
// hold it, the one for the fewest addresses.
func ReverseZone(zones []Zone, addr netip.Addr) (Zone, bool) {
	best, bits := Zone{}, -1
	for _, z := range zones {
		if p, ok := z.Reverse(); ok && p.Contains(addr.Unmap()) && p.Bits() > bits {
			best, bits = z, p.Bits()
		}
	}
	return best, bits >= 0
}

// ReverseName is where in this zone the PTR of an address stands.
func (z Zone) ReverseName(addr netip.Addr) (string, error) {
	addr = addr.Unmap()
	prefix, ok := z.Reverse()
	if !ok || !prefix.Contains(addr) {
		return "", fmt.Errorf("zone %s: it is not for the name of %s: %w", z.Name, addr, ErrBadZone)
	}
	bytes := addr.AsSlice()
	if classless(prefix) {
		return fmt.Sprintf("%d.%s", bytes[3], z.Root()), nil
	}
	var labels []string
	for _, b := range bytes {
		if addr.Is4() {
			labels = append(labels, strconv.Itoa(int(b)))
			continue
		}
		digits := hex.EncodeToString([]byte{b})
		labels = append(labels, digits[:1], digits[1:])
	}
	slices.Reverse(labels)
	if addr.Is4() {
		return strings.Join(labels, ".") + arpa4, nil
	}
	return strings.Join(labels, ".") + arpa6, nil
}

// classless prefixes are delegated as RFC 2317 says; longer ones than a /24
// cannot be by the octets of a name.
func classless(p netip.Prefix) bool {
	return p.Addr().Is4() && p.Bits() > 24 && p == p.Masked()
}

func isArpa(root string) bool {
	return strings.HasSuffix(root, arpa4) || strings.HasSuffix(root, arpa6)
}

// prefixOf reads what a reverse zone is for off its name.
func prefixOf(root string) (netip.Prefix, bool) {
	if name, ok := strings.CutSuffix(root, arpa4); ok {
		return prefix4(strings.Split(name, "."))
	}
	if name, ok := strings.CutSuffix(root, arpa6); ok {
		return prefix6(strings.Split(name, "."))
	}
	return netip.Prefix{}, false
}

// prefix4 reads "2.0.192", and "64/26.2.0.192" with RFC 2317's first label.
func prefix4(labels []string) (netip.Prefix, bool) {
	slices.Reverse(labels)
	n := len(labels)
	if n == 4 {
		p, err := netip.ParsePrefix(strings.Join(labels, "."))
		return p, err == nil && classless(p)
	}
	if n > 4 {
		return netip.Prefix{}, false
	}
	text := strings.Join(labels, ".") + strings.Repeat(".0", 4-n)
	addr, err := netip.ParseAddr(text)
	return netip.PrefixFrom(addr, 8*n), err == nil
}

// prefix6 reads nibbles, "8.b.d.0.1.0.0.2".
func prefix6(labels []string) (netip.Prefix, bool) {
	var digits strings.Builder
	for _, label := range slices.Backward(labels) {
		if len(label) != 1 {
			return netip.Prefix{}, false
		}
		digits.WriteString(label)
	}
	if len(labels) > 31 { // a zone of one address has no room for its PTR below it
		return netip.Prefix{}, false
	}
	var a [16]byte
	_, err := hex.Decode(a[:], []byte(digits.String()+strings.Repeat("0", 32-len(labels))))
	return netip.PrefixFrom(netip.AddrFrom16(a), 4*len(labels)), err == nil
}
