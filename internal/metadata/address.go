package metadata

import (
	"net"
	"net/netip"
	"strconv"

	"github.com/google/uuid"

	"millwright/internal/metal"
)

// address is one item of network.addresses. All are management addresses: they
// come and go with the device, and the clients' accessors see no others.
type address struct {
	ID            string `json:"id"`
	AddressFamily int    `json:"address_family"`
	Netmask       string `json:"netmask"`
	Public        bool   `json:"public"`
	CIDR          int    `json:"cidr"`
	Management    bool   `json:"management"`
	Enabled       bool   `json:"enabled"`
	Network       string `json:"network"`
	Address       string `json:"address"`
	Gateway       string `json:"gateway"`
	ParentBlock   block  `json:"parent_block"`
}

type block struct {
	Network string `json:"network"`
	Netmask string `json:"netmask"`
	CIDR    int    `json:"cidr"`
	Href    string `json:"href"`
}

func addressOf(d metal.DeviceID, l metal.Lease) address {
	id := addressID(d, l.Prefix)
	link := l.Link()
	return address{
		ID:            id,
		AddressFamily: family(l.Prefix.Addr()),
		Netmask:       netmask(l.Prefix),
		Public:        l.Role == metal.Public,
		CIDR:          l.Prefix.Bits(),
		Management:    true,
		Enabled:       true,
		Network:       l.Prefix.Addr().String(),
		Address:       link.Machine().String(),
		Gateway:       link.Switch().String(),
		ParentBlock: block{
			Network: l.Prefix.Addr().String(), Netmask: netmask(l.Prefix), CIDR: l.Prefix.Bits(), Href: "/ips/" + id,
		},
	}
}

// addressID is a UUID, because clients insist on one, and always the same for
// one device and prefix, because they compare documents.
func addressID(d metal.DeviceID, p netip.Prefix) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("millwright:"+string(d)+"/"+p.String())).String()
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

// netmask is dotted for IPv4 and written as an address for IPv6: afterburn
// parses both as IP addresses.
func netmask(p netip.Prefix) string {
	return net.IP(net.CIDRMask(p.Bits(), p.Addr().BitLen())).String()
}

func ethernet(i int) string { return "eth" + strconv.Itoa(i) }

// PhoneHomeURL is where the installed system reports that it is up. The number
// is no secret: it tells this boot from an earlier one.
func PhoneHomeURL(url string, n metal.BootNumber) string {
	return url + "/phone-home?boot=" + strconv.FormatInt(int64(n), 10)
}
