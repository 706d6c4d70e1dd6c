package dhcp

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"millwright/internal/metal"
)

// Answer6 is what to say to one DHCPv6 request, and what to tell people of it.
type Answer6 struct {
	Answer
	Reply6 *dhcpv6.RelayMessage // nil where silence is the answer; Reply is of DHCPv4
}

// Answer decides on one request. It reads nothing but its arguments and the
// site, and changes nothing.
func (s Site6) Answer(packet dhcpv6.DHCPv6, machines Machines) Answer6 {
	a := Answer6{Answer: Answer{Type: typeOther, Client: ClientUnknown, Outcome: Malformed}}
	relay, relayed := packet.(*dhcpv6.RelayMessage)
	if !relayed {
		a.Outcome = Unrelayed
		return a
	}
	// A relay's message within a relay's is a machine that plays relay: the switch
	// is the machines' first hop.
	req, ok := relay.Options.RelayMessage().(*dhcpv6.Message)
	if !ok || relay.MessageType != dhcpv6.MessageTypeRelayForward || typeName6(req.MessageType) == typeOther {
		return a
	}
	asks := asker6(req)
	a.Type, a.Client, a.Firmware, a.MAC = typeName6(req.MessageType), asks.client(), asks.firmware(), macOf(relay, req)
	m, found := a.identify6(s, relay, machines)
	if !found {
		return a
	}
	if reply := s.decide(&a, req, m); reply != nil {
		a.Reply6 = relayed6(relay, reply)
	}
	return a
}

// identify6 finds the machine by the link that the relay says the request came
// over, which is one machine's. An interface-id that names a port of a switch
// must name the machine's: to many relays it is a number of their own, which
// says nothing (RFC 8415 section 21.18).
func (a *Answer6) identify6(s Site6, relay *dhcpv6.RelayMessage, machines Machines) (metal.BootMachine, bool) {
	link, _ := netip.AddrFromSlice(relay.LinkAddr)
	four, ok := s.Four(link)
	if !ok {
		a.Outcome = WrongLink
		return metal.BootMachine{}, false
	}
	m, ok := machines.ByAddress(four.Next())
	port, err := metal.ParseCircuitID(string(relay.Options.InterfaceID()))
	if err == nil {
		a.Port = port
	}
	switch {
	case !ok:
		a.Outcome = Stranger
	case link != s.Link(m.Install).Switch() || err == nil && port != m.Port:
		a.Outcome, ok = WrongLink, false
	default:
		a.Port, a.Machine = m.Port, m.ID
		a.Foreign = a.MAC != "" && !hasMAC(m, a.MAC)
	}
	return m, ok
}

func asker6(req *dhcpv6.Message) asker {
	a := asker{user: bytes.Join(req.Options.UserClasses(), []byte{0})}
	for _, class := range req.Options.VendorClasses() {
		if len(class.Data) > 0 && a.vendor == nil {
			a.vendor = class.Data[0]
		}
	}
	for _, arch := range req.Options.ArchTypes() {
		a.archs = binary.BigEndian.AppendUint16(a.archs, uint16(arch))
	}
	return a
}

// macOf is what the relay saw (RFC 6939), else what stands in the client's
// identifier, which is a MAC by habit only.
func macOf(relay *dhcpv6.RelayMessage, req *dhcpv6.Message) string {
	if kind, mac := relay.Options.ClientLinkLayerAddress(); kind == iana.HWTypeEthernet && len(mac) == 6 {
		return mac.String()
	}
	switch d := req.Options.ClientID().(type) {
	case *dhcpv6.DUIDLL:
		return d.LinkLayerAddr.String()
	case *dhcpv6.DUIDLLT:
		return d.LinkLayerAddr.String()
	}
	return ""
}

// typeName6 is a metric label, hence of few values whatever a packet says.
func typeName6(t dhcpv6.MessageType) string {
	switch t {
	case dhcpv6.MessageTypeSolicit:
		return "v6-solicit"
	case dhcpv6.MessageTypeRequest:
		return "v6-request"
	case dhcpv6.MessageTypeConfirm:
		return "v6-confirm"
	case dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRebind:
		return "v6-renew"
	case dhcpv6.MessageTypeInformationRequest:
		return "v6-inform"
	case dhcpv6.MessageTypeRelease:
		return "v6-release"
	case dhcpv6.MessageTypeDecline:
		return "v6-decline"
	}
	return typeOther
}
