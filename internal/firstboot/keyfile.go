package firstboot

import (
	"fmt"
	"net/netip"
	"strings"
)

// keyfiles are NetworkManager's connections (nm-settings-keyfile(5)), by file
// name. A NIC is known by its permanent MAC, so that its name may be whatever
// the kernel likes.
func (n network) keyfiles() map[string]string {
	files := map[string]string{}
	for _, nic := range n.NICs {
		head := fmt.Sprintf("[connection]\nid=%s\ntype=ethernet\n", nic.Name)
		if n.Bond != nil {
			head += fmt.Sprintf("master=%s\nslave-type=bond\n", n.Bond.Name)
		}
		text := head + fmt.Sprintf("\n[ethernet]\nmac-address=%s\n", nic.MAC)
		if n.Bond == nil {
			text += addressed(nic, n.Resolvers)
		}
		files[nic.Name+".nmconnection"] = text
	}
	if n.Bond != nil {
		files[n.Bond.Name+".nmconnection"] = fmt.Sprintf("[connection]\nid=%[1]s\ntype=bond\ninterface-name=%[1]s\n\n"+
			"[bond]\nmode=%s\nlacp_rate=%s\nmiimon=%d\nxmit_hash_policy=%s\n\n[ethernet]\ncloned-mac-address=%s\n",
			n.Bond.Name, lacp.Mode, lacp.Rate, lacp.Monitor, lacp.Hash, n.Bond.MAC) + addressed(*n.Bond, n.Resolvers)
	}
	return files
}

// addressed is a connection's two families. One without addresses is off: with
// the default NetworkManager would ask DHCP, and get the install link's.
func addressed(l link, resolvers []netip.Addr) string {
	return inFamily("ipv4", l, resolvers, netip.Addr.Is4) + inFamily("ipv6", l, resolvers, netip.Addr.Is6)
}

func inFamily(section string, l link, resolvers []netip.Addr, ours func(netip.Addr) bool) string {
	var lines []string
	add := func(format string, values ...any) { lines = append(lines, fmt.Sprintf(format, values...)) }
	for _, a := range l.Addresses {
		if ours(a.Addr()) {
			add("address%d=%s", len(lines)+1, a)
		}
	}
	if len(lines) == 0 {
		return fmt.Sprintf("\n[%s]\nmethod=disabled\n", section)
	}
	for _, g := range l.Gateways {
		if ours(g) {
			add("gateway=%s", g)
		}
	}
	for i, r := range l.Routes {
		if ours(r.Via) {
			add("route%d=%s,%s", i+1, r.To, r.Via)
		}
	}
	var servers strings.Builder
	for _, r := range resolvers {
		if ours(r) {
			servers.WriteString(r.String() + ";")
		}
	}
	if servers.Len() > 0 {
		add("dns=%s", &servers)
	}
	return fmt.Sprintf("\n[%s]\nmethod=manual\n%s\n", section, strings.Join(lines, "\n"))
}
