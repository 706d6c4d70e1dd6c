package dhcp

import (
	"bytes"
	"crypto/sha256"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"millwright/internal/metal"
)

// Site6 is what every DHCPv6 answer of a site has in common. A site without an
// IPv6 boot address has none, and answers nothing.
type Site6 struct {
	Address netip.Addr   // the boot service: the TFTP server of firmware that speaks no HTTP
	URL     string       // http://[host][:port], without a slash at the end
	Install netip.Prefix // where the IPv6 halves of install links lie; a /96 or wider
	Lease   time.Duration
}

// Link is the IPv6 half of an install link: the prefix with the IPv4 addresses
// as its last 32 bits, so that a /31 is a /127 whose even end is the switch's.
// It needs no row and no allocation, and two boot services agree on it.
func (s Site6) Link(install metal.Link) metal.Link {
	six, four := s.Install.Addr().As16(), install.Prefix.Addr().As4()
	copy(six[12:], four[:])
	return metal.Link{Prefix: netip.PrefixFrom(netip.AddrFrom16(six), 96+install.Prefix.Bits()), Role: install.Role}
}

// Four is the IPv4 address that an IPv6 one of an install link stands for. The
// bits between the prefix and the last 32 are zero in all of them.
func (s Site6) Four(a netip.Addr) (netip.Addr, bool) {
	if !s.Install.IsValid() || !a.Is6() {
		return netip.Addr{}, false
	}
	six, base := a.As16(), s.Install.Addr().As16()
	return netip.AddrFrom4([4]byte(six[12:])), bytes.Equal(six[:12], base[:12])
}

// identifier follows from the address, so that servers that stand in for one
// another are one server to a client (RFC 8415 section 11.5 lets it be any
// UUID).
func (s Site6) identifier() dhcpv6.DUID {
	sum := sha256.Sum256([]byte("millwright boot " + s.Address.String()))
	return &dhcpv6.DUIDUUID{UUID: [16]byte(sum[:16])}
}

// bootFile is a URL in any case: DHCPv6 has no server name (RFC 5970).
func (s Site6) bootFile(c Client) string {
	switch {
	case c == ClientIPXE:
		return s.URL + "/boot.ipxe"
	case c.program() == "":
		return ""
	case c.speaksHTTP():
		return s.URL + "/" + c.program()
	}
	return "tftp://[" + s.Address.String() + "]/" + c.program()
}
