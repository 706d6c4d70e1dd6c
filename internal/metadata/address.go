package metadata

import (
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/google/uuid"

	"millwright/internal/metal"
)

// address is one item of network.addresses. Those with management come and go
// with the device: the clients' accessors see no others. Elastic ones are
// listed, because tools look there for what they may announce or configure.
type address struct {
	ID            string `json:"id"`
	AddressFamily int    `json:"address_family"`
	Netmask       string `json:"netmask"`
	CreatedAt     string `json:"created_at"`
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

func addressOf(t *metal.Tenancy, l metal.Lease) address {
	id := addressID(t.Device, l.Prefix)
	own, gateway := ends(l)
	return address{
		ID:            id,
		AddressFamily: family(l.Prefix.Addr()),
		Netmask:       netmask(l.Prefix),
		CreatedAt:     moment(t.CreatedAt),
		Public:        l.Role != metal.Private,
		CIDR:          l.Prefix.Bits(),
		Management:    !l.Elastic,
		Enabled:       true,
		Network:       l.Prefix.Addr().String(),
		Address:       own.String(),
		Gateway:       gateway.String(),
		ParentBlock: block{
			Network: l.Prefix.Addr().String(), Netmask: netmask(l.Prefix), CIDR: l.Prefix.Bits(), Href: "/ips/" + id,
		},
	}
}

// ends are a lease's address and gateway. What is routed to the machine, and is
// no link, has no gateway of its own: it is its own then, because afterburn
// refuses a document in which one is missing.
func ends(l metal.Lease) (own, gateway netip.Addr) {
	if l.Elastic || l.Prefix.IsSingleIP() {
		return l.Prefix.Addr(), l.Prefix.Addr()
	}
	return l.Link().Machine(), l.Link().Switch()
}

// moment is a time as the Packet API writes one: RFC 3339, whole seconds.
func moment(at time.Time) string { return at.UTC().Format(time.RFC3339) }

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
func PhoneHomeURL(url string, n metal.BootNumber) string { return url + "/phone-home" + ofBoot(n) }

// UserStateURL is where the installed system may say how far it is.
func UserStateURL(url string, n metal.BootNumber) string { return url + "/events" + ofBoot(n) }

func ofBoot(n metal.BootNumber) string { return "?boot=" + strconv.FormatInt(int64(n), 10) }
