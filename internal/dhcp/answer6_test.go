package dhcp

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/stretchr/testify/require"
)

var site6 = Site6{
	Address: netip.MustParseAddr("fd00:b::1"), URL: "http://[fd00:b::1]:8080",
	Install: netip.MustParsePrefix("fd00:a::/96"), Lease: time.Hour,
}

const swEnd6, machineEnd6 = "fd00:a::7f14:e", "fd00:a::7f14:f" // of 127.20.0.14/31

// forwarded is what the relay of the machine's own port passes on.
func forwarded(t testing.TB, mt dhcpv6.MessageType, link, interfaceID string, options ...dhcpv6.Option) *dhcpv6.RelayMessage {
	t.Helper()
	mac, err := net.ParseMAC(knownMAC)
	require.NoError(t, err)
	req := &dhcpv6.Message{MessageType: mt}
	req.AddOption(dhcpv6.OptClientID(&dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: mac}))
	for _, o := range options {
		req.AddOption(o)
	}
	relay, err := dhcpv6.EncapsulateRelay(req, dhcpv6.MessageTypeRelayForward, net.ParseIP(link), net.ParseIP("fe80::1"))
	require.NoError(t, err)
	relay.AddOption(dhcpv6.OptInterfaceID([]byte(interfaceID)))
	return relay
}

func identity() dhcpv6.Option { return &dhcpv6.OptIANA{IaId: [4]byte{1}} }

func inner(t testing.TB, a Answer6) *dhcpv6.Message {
	t.Helper()
	require.NotNil(t, a.Reply6, a.Outcome)
	return a.Reply6.Options.RelayMessage().(*dhcpv6.Message)
}

func TestAMachineIsOfferedTheIPv6HalfOfItsInstallLink(t *testing.T) {
	t.Parallel()
	for _, interfaceID := range []string{circuit, "\x00\x00\x00\x03"} {
		a := site6.Answer(forwarded(t, dhcpv6.MessageTypeSolicit, swEnd6, interfaceID, identity()), oneMachine("127.20.0.14/31"))
		require.Equal(t, Offered, a.Outcome)
		require.Equal(t, "m7", string(a.Machine))
		require.False(t, a.Foreign)
		require.Equal(t, machineEnd6, inner(t, a).Options.OneIANA().Options.OneAddress().IPv6Addr.String())
		require.Equal(t, interfaceID, string(a.Reply6.Options.InterfaceID()), "the relay finds its way back by it")
	}
	known, ok := site6.Four(netip.MustParseAddr(machineEnd6))
	require.True(t, ok)
	require.Equal(t, "127.20.0.15", known.String())
	_, ok = site6.Four(netip.MustParseAddr("fd00:a:0:1::7f14:f"))
	require.False(t, ok)
}

func TestWhoIsNotAtItsLinkGetsNothingOverIPv6(t *testing.T) {
	t.Parallel()
	m := oneMachine("127.20.0.14/31")
	solicit := func(link, interfaceID string) dhcpv6.DHCPv6 {
		return forwarded(t, dhcpv6.MessageTypeSolicit, link, interfaceID, identity())
	}
	nested, err := dhcpv6.EncapsulateRelay(solicit(swEnd6, circuit), dhcpv6.MessageTypeRelayForward, net.ParseIP(swEnd6), net.ParseIP("fe80::1"))
	require.NoError(t, err)
	direct, err := solicit(swEnd6, circuit).GetInnerMessage()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		packet dhcpv6.DHCPv6
		want   Outcome
	}{
		"a link of nobody's":          {solicit("fd00:a::7f14:20", circuit), Stranger},
		"the machine's end":           {solicit(machineEnd6, circuit), Stranger},
		"no link of this site":        {solicit("2001:db8::1", circuit), WrongLink},
		"another port's interface-id": {solicit(swEnd6, "tor-r1:xe-0/0/8.0"), WrongLink},
		"without a relay":             {direct, Unrelayed},
		"a machine that plays relay":  {nested, Malformed},
	} {
		a := site6.Answer(c.packet, m)
		require.Equal(t, c.want, a.Outcome, name)
		require.Nil(t, a.Reply6, name)
	}
}

func TestFirmwareGetsAURLOverIPv6(t *testing.T) {
	t.Parallel()
	class := func(s string) dhcpv6.Option {
		return &dhcpv6.OptVendorClass{EnterpriseNumber: intel, Data: [][]byte{[]byte(s)}}
	}
	for name, c := range map[string]struct {
		url  string
		with []dhcpv6.Option
	}{
		"PXE":      {"tftp://[fd00:b::1]/snponly.efi", []dhcpv6.Option{class("PXEClient:Arch:00007"), dhcpv6.OptClientArchType(iana.EFI_X86_64)}},
		"HTTP":     {site6.URL + "/snponly.efi", []dhcpv6.Option{class("HTTPClient:Arch:00016"), dhcpv6.OptClientArchType(iana.EFI_X86_64_HTTP)}},
		"iPXE":     {site6.URL + "/boot.ipxe", []dhcpv6.Option{dhcpv6.OptClientArchType(iana.EFI_X86_64), &dhcpv6.OptUserClass{UserClasses: [][]byte{[]byte("iPXE")}}}},
		"RISC-V":   {"", []dhcpv6.Option{class("HTTPClient:Arch:00028"), dhcpv6.OptClientArchType(iana.EFI_RISCV64_HTTP)}},
		"a system": {"", nil},
	} {
		a := site6.Answer(forwarded(t, dhcpv6.MessageTypeInformationRequest, swEnd6, circuit, c.with...), oneMachine("127.20.0.14/31"))
		require.Equal(t, Acked, a.Outcome, name)
		reply := inner(t, a)
		require.Equal(t, c.url, reply.Options.BootFileURL(), name)
		require.Empty(t, reply.Options.IANA(), "who asks for no address gets none")
		require.Equal(t, name == "HTTP", len(reply.Options.VendorClasses()) == 1, name)
	}
}

func TestAClientThatMovedIsToldToBeginAnew(t *testing.T) {
	t.Parallel()
	m := oneMachine("127.20.0.14/31")
	with := func(addr string) dhcpv6.Option {
		ia := &dhcpv6.OptIANA{}
		ia.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: net.ParseIP(addr)})
		return ia
	}
	here := site6.Answer(forwarded(t, dhcpv6.MessageTypeConfirm, swEnd6, circuit, with(machineEnd6)), m)
	require.Equal(t, iana.StatusSuccess, inner(t, here).Options.Status().StatusCode)
	moved := site6.Answer(forwarded(t, dhcpv6.MessageTypeConfirm, swEnd6, circuit, with("fd00:a::7f14:11")), m)
	require.Equal(t, Refused, moved.Outcome)
	require.Equal(t, iana.StatusNotOnLink, inner(t, moved).Options.Status().StatusCode)
	other := dhcpv6.OptServerID(&dhcpv6.DUIDUUID{UUID: [16]byte{1}})
	elsewhere := site6.Answer(forwarded(t, dhcpv6.MessageTypeRequest, swEnd6, circuit, identity(), other), m)
	require.Equal(t, Elsewhere, elsewhere.Outcome)
	require.Nil(t, elsewhere.Reply6)
}

// FuzzHandle6 looks for packets that crash the server, and for an answer that
// gives out anything but the address of the link.
func FuzzHandle6(f *testing.F) {
	for _, mt := range []dhcpv6.MessageType{dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeConfirm, dhcpv6.MessageTypeInformationRequest} {
		f.Add(forwarded(f, mt, swEnd6, circuit, identity()).ToBytes())
	}
	s := &Server6{Site: site6, Machines: oneMachine("127.20.0.14/31")}
	f.Fuzz(func(t *testing.T, packet []byte) {
		out, _ := s.handle(packet, netip.MustParseAddrPort("[fd00:b::]:547"))
		if out == nil {
			return
		}
		reply, err := dhcpv6.RelayMessageFromBytes(out)
		require.NoError(t, err)
		for _, ia := range reply.Options.RelayMessage().(*dhcpv6.Message).Options.IANA() {
			for _, a := range ia.Options.Addresses() {
				require.Equal(t, machineEnd6, a.IPv6Addr.String())
			}
		}
	})
}
