package dhcp

import (
	"bytes"
	"net"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"millwright/internal/metal"
)

// intel is the enterprise number under which firmware names its class (UEFI
// 2.10, section 24.3.1 and after; seen in OVMF).
const intel = 343

// decide is RFC 8415 section 18.3 for a server whose every address is fixed.
func (s Site6) decide(a *Answer6, req *dhcpv6.Message, m metal.BootMachine) *dhcpv6.Message {
	mine := s.identifier()
	if chosen := req.Options.ServerID(); chosen != nil && !bytes.Equal(chosen.ToBytes(), mine.ToBytes()) {
		a.Outcome = Elsewhere
		return nil
	}
	own := s.Link(m.Install).Machine()
	switch req.MessageType {
	case dhcpv6.MessageTypeSolicit:
		a.Outcome = Offered
		return s.lease(req, dhcpv6.MessageTypeAdvertise, own.AsSlice(), a.Client)
	case dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeDecline:
		a.Outcome = Noted
		return s.status(req, iana.StatusSuccess, "the address stays this port's")
	case dhcpv6.MessageTypeConfirm:
		return s.confirm(a, req, own.AsSlice())
	}
	a.Outcome = Acked
	return s.lease(req, dhcpv6.MessageTypeReply, own.AsSlice(), a.Client)
}

// confirm tells a client that was moved to another port to begin anew.
func (s Site6) confirm(a *Answer6, req *dhcpv6.Message, own net.IP) *dhcpv6.Message {
	for _, ia := range req.Options.IANA() {
		for _, has := range ia.Options.Addresses() {
			if !has.IPv6Addr.Equal(own) {
				a.Outcome = Refused
				return s.status(req, iana.StatusNotOnLink, has.IPv6Addr.String()+" is not the address of this port")
			}
		}
	}
	a.Outcome = Acked
	return s.status(req, iana.StatusSuccess, "still on the link")
}

func (s Site6) reply(req *dhcpv6.Message, t dhcpv6.MessageType) *dhcpv6.Message {
	r := &dhcpv6.Message{MessageType: t, TransactionID: req.TransactionID}
	if id := req.Options.ClientID(); id != nil {
		r.AddOption(dhcpv6.OptClientID(id))
	}
	r.AddOption(dhcpv6.OptServerID(s.identifier()))
	return r
}

func (s Site6) status(req *dhcpv6.Message, code iana.StatusCode, words string) *dhcpv6.Message {
	r := s.reply(req, dhcpv6.MessageTypeReply)
	r.AddOption(&dhcpv6.OptStatusCode{StatusCode: code, StatusMessage: words})
	return r
}

// lease gives the machine's end of the link to the first identity that asks,
// and what to boot over it. A client that asks for information alone names no
// identity and gets no address.
func (s Site6) lease(req *dhcpv6.Message, t dhcpv6.MessageType, own net.IP, c Client) *dhcpv6.Message {
	r := s.reply(req, t)
	for i, ia := range req.Options.IANA() {
		given := &dhcpv6.OptIANA{IaId: ia.IaId, T1: s.Lease / 2, T2: s.Lease * 4 / 5}
		if i == 0 {
			given.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: own, PreferredLifetime: s.Lease, ValidLifetime: s.Lease})
		} else {
			given.Options.Add(&dhcpv6.OptStatusCode{StatusCode: iana.StatusNoAddrsAvail, StatusMessage: "a port has one address"})
		}
		r.AddOption(given)
	}
	file := s.bootFile(c)
	if file == "" {
		return r
	}
	r.AddOption(dhcpv6.OptBootFileURL(file))
	if c.speaksHTTP() {
		// Firmware drops an answer that does not say HTTPClient back, as in DHCPv4.
		r.AddOption(&dhcpv6.OptVendorClass{EnterpriseNumber: intel, Data: [][]byte{classHTTP}})
	}
	return r
}

// relayed6 wraps the reply for the relay, with its interface-id as it came (RFC
// 8415 section 19.3). The source port that it may have asked for comes back,
// too (RFC 8357).
func relayed6(forward *dhcpv6.RelayMessage, reply *dhcpv6.Message) *dhcpv6.RelayMessage {
	r := &dhcpv6.RelayMessage{
		MessageType: dhcpv6.MessageTypeRelayReply,
		HopCount:    forward.HopCount, LinkAddr: forward.LinkAddr, PeerAddr: forward.PeerAddr,
	}
	for _, code := range []dhcpv6.OptionCode{dhcpv6.OptionInterfaceID, dhcpv6.OptionRelayPort} {
		if given := forward.GetOneOption(code); given != nil {
			r.AddOption(given)
		}
	}
	r.AddOption(dhcpv6.OptRelayMessage(reply))
	return r
}
