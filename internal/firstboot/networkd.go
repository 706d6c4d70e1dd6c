package firstboot

import (
	"fmt"
	"net/netip"
	"strings"
)

// networkd are systemd-networkd's files (systemd.network(5)), by name. They
// begin with 10, to go before Flatcar's own zz-default.network, which asks DHCP
// on every interface.
func (n network) networkd() map[string]string {
	files := map[string]string{}
	for _, nic := range n.NICs {
		if n.Bond != nil { // a bond gives its own MAC to its members
			files["10-"+nic.Name+".network"] = fmt.Sprintf("[Match]\nPermanentMACAddress=%s\n\n[Network]\nBond=%s\n", nic.MAC, n.Bond.Name)
			continue
		}
		files["10-"+nic.Name+".network"] = fmt.Sprintf("[Match]\nMACAddress=%s\n\n[Network]\n", nic.MAC) + static(nic, n.Resolvers)
	}
	if b := n.Bond; b != nil {
		files["10-"+b.Name+".netdev"] = fmt.Sprintf("[NetDev]\nName=%s\nKind=bond\nMACAddress=%s\n\n"+
			"[Bond]\nMode=%s\nLACPTransmitRate=%s\nMIIMonitorSec=%dms\nTransmitHashPolicy=%s\n",
			b.Name, b.MAC, lacp.Mode, lacp.Rate, lacp.Monitor, lacp.Hash)
		files["10-"+b.Name+".network"] = fmt.Sprintf("[Match]\nName=%s\n\n[Network]\n", b.Name) + static(*b, n.Resolvers)
	}
	return files
}

// static is the rest of a [Network] section, and its routes.
func static(l link, resolvers []netip.Addr) string {
	var s strings.Builder
	s.WriteString("DHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing=ipv6\n")
	for _, a := range l.Addresses {
		fmt.Fprintf(&s, "Address=%s\n", a)
	}
	if len(l.Addresses) > 0 {
		for _, r := range resolvers {
			fmt.Fprintf(&s, "DNS=%s\n", r)
		}
	}
	for _, g := range l.Gateways {
		fmt.Fprintf(&s, "\n[Route]\nGateway=%s\nGatewayOnLink=yes\n", g)
	}
	for _, r := range l.Routes {
		fmt.Fprintf(&s, "\n[Route]\nDestination=%s\nGateway=%s\nGatewayOnLink=yes\n", r.To, r.Via)
	}
	return s.String()
}
