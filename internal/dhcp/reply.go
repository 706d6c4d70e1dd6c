package dhcp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"millwright/internal/metal"
)

// lease offers or acknowledges the machine's end of its install link.
func (s Site) lease(req *dhcpv4.DHCPv4, m metal.BootMachine, c Client, t dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	r := s.reply(req, t)
	r.YourIPAddr = bytes4(m.Install.Machine())
	if t == dhcpv4.MessageTypeAck {
		r.ClientIPAddr = req.ClientIPAddr
	}
	s.describe(r, m, c)
	seconds := make([]byte, 4)
	binary.BigEndian.PutUint32(seconds, uint32(s.Lease/time.Second))
	r.Options[dhcpv4.OptionIPAddressLeaseTime.Code()] = seconds
	return r
}

// inform tells a client with an address of its own the rest; RFC 2131 section
// 4.3.5 forbids a lease time and an address in it.
func (s Site) inform(req *dhcpv4.DHCPv4, m metal.BootMachine, c Client) *dhcpv4.DHCPv4 {
	r := s.reply(req, dhcpv4.MessageTypeAck)
	r.ClientIPAddr = req.ClientIPAddr
	s.describe(r, m, c)
	return r
}

// refuse sends the client back to the start. The relay must broadcast it,
// because the client has no address that the link knows (RFC 2131, 4.3.2).
func (s Site) refuse(req *dhcpv4.DHCPv4, wanted netip.Addr) *dhcpv4.DHCPv4 {
	r := s.reply(req, dhcpv4.MessageTypeNak)
	r.SetBroadcast()
	r.Options[dhcpv4.OptionMessage.Code()] = []byte(wanted.String() + " is not the address of this port")
	return r
}

// reply is what every answer holds: the request's identity, option 82 as it
// came (RFC 3046 section 2.2), and the client's own identifiers (RFC 6842; PXE
// wants its GUID back, where the ROM gave one).
func (s Site) reply(req *dhcpv4.DHCPv4, t dhcpv4.MessageType) *dhcpv4.DHCPv4 {
	r := &dhcpv4.DHCPv4{
		OpCode:        dhcpv4.OpcodeBootReply,
		HWType:        req.HWType,
		TransactionID: req.TransactionID,
		Flags:         req.Flags,
		GatewayIPAddr: req.GatewayIPAddr,
		ClientHWAddr:  req.ClientHWAddr,
		Options:       make(dhcpv4.Options, 12),
	}
	r.Options[dhcpv4.OptionDHCPMessageType.Code()] = []byte{byte(t)}
	r.Options[dhcpv4.OptionServerIdentifier.Code()] = s.identifier(req)
	for _, code := range []dhcpv4.OptionCode{
		dhcpv4.OptionRelayAgentInformation, dhcpv4.OptionClientIdentifier, dhcpv4.OptionClientMachineIdentifier,
	} {
		if v, given := req.Options[code.Code()]; given {
			r.Options[code.Code()] = v
		}
	}
	return r
}

// describe adds the link and what to boot over it. The boot file stands in
// the header and in option 67: old ROMs read one, UEFI prefers the other.
func (s Site) describe(r *dhcpv4.DHCPv4, m metal.BootMachine, c Client) {
	prefix := m.Install.Prefix
	r.Options[dhcpv4.OptionSubnetMask.Code()] = net.CIDRMask(prefix.Bits(), 32)
	r.Options[dhcpv4.OptionRouter.Code()] = bytes4(m.Install.Switch())
	file := s.bootFile(c)
	if file == "" {
		return
	}
	r.ServerIPAddr = bytes4(s.Address)
	r.BootFileName = file
	r.Options[dhcpv4.OptionBootfileName.Code()] = []byte(file)
	switch {
	case c.speaksHTTP():
		// Firmware drops an offer that does not say HTTPClient back (UEFI 2.10,
		// section 24.7.3.1; seen in OVMF).
		r.Options[dhcpv4.OptionClassIdentifier.Code()] = classHTTP
	case c == ClientIPXE:
	default:
		r.Options[dhcpv4.OptionTFTPServerName.Code()] = []byte(s.Address.String())
	}
}

// identifier is the server's address, or the one that the relay wants in its
// place so that renewals pass through it (RFC 5107).
func (s Site) identifier(req *dhcpv4.DHCPv4) net.IP {
	if v, ok := subOption(req, subServerOverride); ok && len(v) == net.IPv4len {
		return net.IP(v)
	}
	return bytes4(s.Address)
}

func bytes4(a netip.Addr) net.IP { return a.AsSlice() }

// Sub-options of option 82 that count here.
const (
	subCircuitID      = 1  // RFC 3046
	subServerOverride = 11 // RFC 5107
	subSourcePort     = 19 // RFC 8357; empty, its presence is all it says
)

// subOption walks option 82 in place: a map for each packet would cost more
// than the rest of the answer.
func subOption(req *dhcpv4.DHCPv4, code byte) ([]byte, bool) {
	rest := req.Options.Get(dhcpv4.OptionRelayAgentInformation)
	for len(rest) >= 2 {
		size := int(rest[1])
		if len(rest) < 2+size {
			return nil, false
		}
		if rest[0] == code {
			return rest[2 : 2+size], true
		}
		rest = rest[2+size:]
	}
	return nil, false
}

const typeOther = "other" // not a request of RFC 2131, or plain BOOTP

// typeName is a metric label, hence of few values whatever a packet says.
func typeName(t dhcpv4.MessageType) string {
	switch t {
	case dhcpv4.MessageTypeDiscover:
		return "discover"
	case dhcpv4.MessageTypeRequest:
		return "request"
	case dhcpv4.MessageTypeInform:
		return "inform"
	case dhcpv4.MessageTypeRelease:
		return "release"
	case dhcpv4.MessageTypeDecline:
		return "decline"
	}
	return typeOther
}
