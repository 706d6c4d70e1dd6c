//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"github.com/vishvananda/netlink"

	"millwright/internal/ramsystem"
)

// The link that the switch gives: a /31 with the switch on the even address.
var (
	ours   = net.IPv4(10, 9, 8, 6).To4()
	theirs = net.IPv4(10, 9, 8, 7).To4()
)

// beSwitch bundles its two NICs, gives the machine its address, and prints
// what the machine says.
func beSwitch(ctx context.Context, system *ramsystem.System, log *slog.Logger) error {
	if err := bundle(ctx, system); err != nil {
		return err
	}
	server, err := server4.NewServer("bond0", &net.UDPAddr{Port: 67}, answer)
	if err != nil {
		return err
	}
	go func() { log.Error("dhcp", "error", server.Serve()) }()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", func(_ http.ResponseWriter, r *http.Request) {
		var said Said
		if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
			log.Error("read", "error", err)
			return
		}
		said.Modules, said.Program = nil, ""
		log.Info("the machine said", "from", r.RemoteAddr, "addresses", said.Addresses, "routes", said.Routes, "resolvers", said.Resolvers)
		log.Info("the machine's bond", "bond", said.Bond)
	})
	go follow(log)
	log.Info("the switch serves")
	return (&http.Server{Addr: "10.9.8.6:80", Handler: mux, ReadHeaderTimeout: time.Minute}).ListenAndServe()
}

func bundle(ctx context.Context, system *ramsystem.System) error {
	if err := system.LoadModules(ctx, "bonding"); err != nil {
		return err
	}
	bond, err := netlink.LinkByName("bond0") // made by the module
	if err == nil {
		err = netlink.LinkDel(bond)
	}
	if err != nil {
		return err
	}
	made := netlink.NewLinkBond(netlink.LinkAttrs{Name: "bond0"})
	made.Mode, made.Miimon = netlink.BOND_MODE_802_3AD, 100
	if err := netlink.LinkAdd(made); err != nil {
		return err
	}
	links, err := netlink.LinkList()
	if err != nil {
		return err
	}
	joined := 0
	for _, link := range links {
		if link.Type() == "device" && link.Attrs().EncapType == "ether" {
			joined++
			if err := errors.Join(netlink.LinkSetDown(link), netlink.LinkSetBondSlave(link, made)); err != nil {
				return err
			}
		}
	}
	if joined != 2 {
		return fmt.Errorf("%d NICs, want 2", joined)
	}
	address := &netlink.Addr{IPNet: &net.IPNet{IP: ours, Mask: net.CIDRMask(31, 32)}}
	return errors.Join(netlink.AddrAdd(made, address), netlink.LinkSetUp(made))
}

// follow says how the links to the machine stand, which is how the test sees
// that they go down before the machine leaves.
func follow(log *slog.Logger) {
	before := ""
	for {
		if now := read("/sys/class/net/bond0/bonding/ad_partner_mac"); now != before {
			log.Info("the partner changed", "to", now)
			before = now
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func answer(conn net.PacketConn, _ net.Addr, asked *dhcpv4.DHCPv4) {
	kind := dhcpv4.MessageTypeOffer
	if asked.MessageType() == dhcpv4.MessageTypeRequest {
		kind = dhcpv4.MessageTypeAck
	}
	reply, err := dhcpv4.NewReplyFromRequest(asked,
		dhcpv4.WithMessageType(kind), dhcpv4.WithYourIP(theirs), dhcpv4.WithServerIP(ours),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(ours)),
		dhcpv4.WithNetmask(net.CIDRMask(31, 32)), dhcpv4.WithLeaseTime(3600),
		dhcpv4.WithDNS(net.IPv4(10, 0, 0, 53)),
		// Option 121 counts, and option 3 must not be looked at beside it.
		dhcpv4.WithRouter(net.IPv4(192, 0, 2, 1)),
		dhcpv4.WithOption(dhcpv4.OptClasslessStaticRoute(
			&dhcpv4.Route{Dest: &net.IPNet{IP: net.IPv4(10, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}, Router: ours},
		)),
	)
	if err != nil {
		return
	}
	_, _ = conn.WriteTo(reply.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: 68})
}
