package dhcp

import (
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"millwright/internal/metal"
)

// Machines finds machines in memory. It must not block: every packet asks it.
type Machines interface {
	ByPort(port metal.Port) (metal.BootMachine, bool)
	ByMAC(mac string) (metal.BootMachine, bool) // lower case, colons
	ByAddress(a netip.Addr) (metal.BootMachine, bool)
}

// Site is what every answer of a site has in common. Servers that stand in for
// one another are given the same.
type Site struct {
	Address netip.Addr    // the boot service: server identifier and TFTP server
	URL     string        // http://host[:port], without a slash at the end
	Lease   time.Duration // an install link never changes hands, so this may be long
}

// Outcome is what became of a request. Its values are published as metric
// labels; those without an answer say why there is none.
type Outcome string

const (
	Offered   Outcome = "offered"
	Acked     Outcome = "acked"
	Refused   Outcome = "refused"     // a NAK: the client wants an address that is not its own
	Noted     Outcome = "noted"       // release or decline: nothing to answer
	Elsewhere Outcome = "elsewhere"   // the client chose another server
	Stranger  Outcome = "stranger"    // no machine stands at this port, or has this MAC
	Unrelayed Outcome = "unrelayed"   // it did not come through a switch
	WrongLink Outcome = "wrong-relay" // the relay is not the switch end of the machine's link
	Malformed Outcome = "malformed"
)

// Answer is what to say to one request, and what to tell people of it.
type Answer struct {
	Reply  *dhcpv4.DHCPv4 // nil where silence is the answer
	Type   string         // the request's type in lower case, as a metric label
	Client Client
	// Firmware names the processor architecture that the client says it has, in
	// IANA's words; empty where it says none. It is for people: no label.
	Firmware string
	Outcome  Outcome
	Machine  metal.MachineID
	Port     metal.Port // as the relay named it; zero where it named none
	MAC      string
	Foreign  bool // the MAC is not one of the port's machine: a swapped NIC, or mis-cabling
}

// Answer decides on one request. It reads nothing but its arguments and the
// site, and changes nothing.
func (s Site) Answer(req *dhcpv4.DHCPv4, machines Machines) Answer {
	asks := asker4(req)
	a := Answer{Type: typeName(req.MessageType()), Client: asks.client(), Firmware: asks.firmware(), MAC: req.ClientHWAddr.String()}
	relay := addrOf(req.GatewayIPAddr)
	switch {
	case req.OpCode != dhcpv4.OpcodeBootRequest || a.Type == typeOther || len(req.ClientHWAddr) == 0:
		a.Outcome = Malformed
		return a
	case !relay.Is4() || relay.IsUnspecified():
		a.Outcome = Unrelayed
		return a
	}
	m, found := a.identify(req, machines)
	switch {
	case !found:
		a.Outcome = Stranger
	case relay != m.Install.Switch():
		a.Outcome = WrongLink
	default:
		s.decide(&a, req, m)
	}
	return a
}

// identify finds the machine by its port, and by its MAC only where the relay
// names no port at all. A port that is not known makes a stranger: guessing by
// MAC there would hide a relay that is configured wrongly.
func (a *Answer) identify(req *dhcpv4.DHCPv4, machines Machines) (metal.BootMachine, bool) {
	circuit, named := subOption(req, subCircuitID)
	if !named {
		m, ok := machines.ByMAC(a.MAC)
		a.Machine = m.ID
		return m, ok
	}
	m, ok := a.atPort(string(circuit), addrOf(req.GatewayIPAddr), machines)
	a.Machine = m.ID
	a.Foreign = ok && !hasMAC(m, a.MAC)
	return m, ok
}

// atPort finds the machine at the port of a circuit-id. Many relays (ISC's, and
// with it Cumulus and SONiC as they come) write the interface without its
// switch; interface names repeat, but the relay's own address is the end of one
// link, hence of one switch, and that link's machine must be at a port of that
// name.
func (a *Answer) atPort(circuit string, relay netip.Addr, machines Machines) (metal.BootMachine, bool) {
	port, err := metal.ParseCircuitID(circuit)
	if err == nil {
		a.Port = port
		return machines.ByPort(port)
	}
	m, ok := machines.ByAddress(relay.Next())
	if !ok || m.Install.Switch() != relay || m.Port.Name != circuit {
		return metal.BootMachine{}, false
	}
	a.Port = m.Port
	return m, true
}

// hasMAC holds for a machine of which no MAC is recorded yet, too: nothing
// disagrees there.
func hasMAC(m metal.BootMachine, mac string) bool {
	for _, known := range m.MACs {
		if known == mac {
			return true
		}
	}
	return len(m.MACs) == 0
}

// decide is the protocol of RFC 2131 section 4.3 for a server whose every
// address is fixed: there is nothing to remember between two messages.
func (s Site) decide(a *Answer, req *dhcpv4.DHCPv4, m metal.BootMachine) {
	switch req.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		a.Outcome, a.Reply = Offered, s.lease(req, m, a.Client, dhcpv4.MessageTypeOffer)
	case dhcpv4.MessageTypeInform:
		a.Outcome, a.Reply = Acked, s.inform(req, m, a.Client)
	case dhcpv4.MessageTypeRequest:
		s.decideRequest(a, req, m)
	default: // release, decline: a fixed address is neither freed nor replaced
		a.Outcome = Noted
	}
}

func (s Site) decideRequest(a *Answer, req *dhcpv4.DHCPv4, m metal.BootMachine) {
	chosen := req.Options.Get(dhcpv4.OptionServerIdentifier)
	wanted, ok := wantedAddress(req)
	switch {
	case chosen != nil && !net.IP(chosen).Equal(s.identifier(req)):
		a.Outcome = Elsewhere
	case !ok:
		a.Outcome = Malformed
	case wanted != m.Install.Machine():
		a.Outcome, a.Reply = Refused, s.refuse(req, wanted)
	default:
		a.Outcome, a.Reply = Acked, s.lease(req, m, a.Client, dhcpv4.MessageTypeAck)
	}
}

// wantedAddress is option 50 of a client that selects or reboots, and ciaddr
// of one that renews.
func wantedAddress(req *dhcpv4.DHCPv4) (netip.Addr, bool) {
	if addr := addrOf(req.Options.Get(dhcpv4.OptionRequestedIPAddress)); addr.Is4() {
		return addr, true
	}
	addr := addrOf(req.ClientIPAddr)
	return addr, addr.Is4() && !addr.IsUnspecified()
}

// addrOf is the zero address where the bytes are none.
func addrOf(b []byte) netip.Addr {
	addr, _ := netip.AddrFromSlice(b)
	return addr.Unmap()
}
