package netrack

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"millwright/internal/metal"
)

// Announce has the machine announce the prefixes, and none besides, to its
// switch over BGP, and answer at the first address of each. It speaks BIRD 2,
// as a tenant might. An empty key is a session without MD5.
func (h *Host) Announce(ctx context.Context, b metal.BGP, key string, prefixes ...netip.Prefix) error {
	conf, err := h.file("bird.conf", birdConf(b, key, prefixes))
	if err != nil {
		return err
	}
	for _, p := range prefixes {
		if _, err := h.Shell(ctx, local(p)); err != nil {
			return err
		}
	}
	if h.speaks {
		_, err = h.Run(ctx, "birdc", "-s", "/run/bird.ctl", "configure")
		return err
	}
	_, err = h.Run(ctx, "bird", "-c", conf, "-s", "/run/bird.ctl")
	h.speaks = err == nil
	return err
}

// birdConf has a session for each family that the machine peers in. BIRD
// connects a second after it starts, where its habit is five.
func birdConf(b metal.BGP, key string, prefixes []netip.Prefix) string {
	var conf strings.Builder
	fmt.Fprintf(&conf, "router id %s;\nprotocol device { }\n", routerID(b))
	for _, machine := range b.Machine {
		for _, sw := range b.Switch {
			if sw.Is4() == machine.Is4() {
				session(&conf, b, key, machine, sw, prefixes)
			}
		}
	}
	return conf.String()
}

func session(conf *strings.Builder, b metal.BGP, key string, machine, sw netip.Addr, prefixes []netip.Prefix) {
	family := "ipv6"
	if machine.Is4() {
		family = "ipv4"
	}
	fmt.Fprintf(conf, "protocol static own_%s {\n %s;\n", family, family)
	for _, p := range prefixes {
		if p.Addr().Is4() == machine.Is4() {
			fmt.Fprintf(conf, " route %s blackhole;\n", p)
		}
	}
	fmt.Fprintf(conf, "}\nprotocol bgp tor_%s {\n local %s as %d;\n neighbor %s as %d;\n multihop 2;\n",
		family, machine, b.PeerAS, sw, b.LocalAS)
	if key != "" {
		fmt.Fprintf(conf, " password %q;\n", key)
	}
	fmt.Fprintf(conf, " connect delay time 1;\n connect retry time 2;\n error wait time 1, 4;\n %s { import none; export where source = RTS_STATIC; };\n}\n", family)
}

// routerID is an IPv4 address of the machine's, or any where it has none.
func routerID(b metal.BGP) netip.Addr {
	for _, a := range b.Machine {
		if a.Is4() {
			return a
		}
	}
	return netip.MustParseAddr("10.255.255.255")
}
