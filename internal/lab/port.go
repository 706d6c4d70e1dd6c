package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
)

// port is the switch's side of a cable: its relay, and its data plane as far
// as a lab has one. What it lets through is read from the switch's running
// configuration at each use.
type port struct {
	name     metal.Port
	sw       *netconf.Switch
	dhcpPort int
}

const (
	subCircuitID  = 1  // RFC 3046
	subSourcePort = 19 // RFC 8357: "answer to the port that this came from"
)

// Exchange relays one message to every server that the configuration names,
// and returns the first answer to it.
func (p port) Exchange(ctx context.Context, message *dhcpv4.DHCPv4) (*dhcpv4.DHCPv4, error) {
	state := p.sw.Port(p.name.Name)
	if !state.Up || !state.Install.IsValid() || len(state.Relay) == 0 {
		return nil, fmt.Errorf("port %s: no relay is configured", p.name)
	}
	// The relay has a socket only while it waits: a thousand idle ports have none.
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(state.Install.Addr(), 0)))
	if err != nil {
		return nil, fmt.Errorf("port %s: relay from %s: %w", p.name, state.Install.Addr(), err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	packet := p.relayed(message, state.Install.Addr()).ToBytes()
	for _, server := range state.Relay {
		// An ICMP error of one server must not keep the message from the next.
		_, _ = conn.WriteToUDPAddrPort(packet, netip.AddrPortFrom(server, uint16(p.dhcpPort)))
	}
	return p.answer(ctx, conn, message.TransactionID)
}

// relayed is the message with what a relay adds: where it came from, in the
// words of Junos with its host name as prefix.
func (p port) relayed(message *dhcpv4.DHCPv4, giaddr netip.Addr) *dhcpv4.DHCPv4 {
	relayed := *message
	relayed.Options = dhcpv4.Options{}
	for code, value := range message.Options {
		relayed.Options[code] = value
	}
	relayed.GatewayIPAddr = giaddr.AsSlice()
	relayed.HopCount++
	relayed.UpdateOption(dhcpv4.OptRelayAgentInfo(
		dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(subCircuitID), []byte(p.name.String()+".0")),
		dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(subSourcePort), nil),
	))
	return &relayed
}

// answer waits for the reply to a transaction, and takes option 82 off it
// again, which is the relay's business (RFC 3046 section 2.1).
func (p port) answer(ctx context.Context, conn *net.UDPConn, id dhcpv4.TransactionID) (*dhcpv4.DHCPv4, error) {
	buffer := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFromUDPAddrPort(buffer)
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("port %s: no answer through the relay: %w", p.name, ctx.Err())
		case errors.Is(err, net.ErrClosed):
			return nil, fmt.Errorf("port %s: relay: %w", p.name, err)
		case err != nil:
			continue // nobody listens at one of the servers; another may
		}
		reply, err := dhcpv4.FromBytes(buffer[:n])
		if err == nil && reply.OpCode == dhcpv4.OpcodeBootReply && reply.TransactionID == id {
			delete(reply.Options, dhcpv4.OptionRelayAgentInformation.Code())
			return reply, nil
		}
	}
}

// Dial connects from an address of the port's machine. The port drops what
// claims another source (BCP 38), and everything while it is down.
func (p port) Dial(ctx context.Context, from net.Addr, address string) (net.Conn, error) {
	source, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return nil, fmt.Errorf("port %s: dial from %s: %w", p.name, from, err)
	}
	if err := p.passes(source.Addr().Unmap()); err != nil {
		return nil, err
	}
	dialer := net.Dialer{LocalAddr: from}
	conn, err := dialer.DialContext(ctx, "tcp4", address)
	if err != nil {
		return nil, fmt.Errorf("port %s: %w", p.name, err)
	}
	return filtered{conn, p, source.Addr().Unmap()}, nil
}

// passes is the port's filter and its light.
func (p port) passes(source netip.Addr) error {
	state := p.sw.Port(p.name.Name)
	ours := func(link netip.Prefix) bool { return link.Addr().Next() == source }
	if !state.Up || !slices.ContainsFunc(state.Addresses, ours) {
		return fmt.Errorf("port %s: drops packets from %s", p.name, source)
	}
	return nil
}

// filtered is a connection through a port, which may be reconfigured while the
// connection lives.
type filtered struct {
	net.Conn
	port   port
	source netip.Addr
}

// Write sends what the port lets through, and has its switch count it.
func (f filtered) Write(packet []byte) (int, error) {
	if err := f.port.passes(f.source); err != nil {
		return 0, err
	}
	n, err := f.Conn.Write(packet)
	f.port.sw.Receive(f.port.name.Name, n)
	return n, err
}
