package dhcp

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

const (
	knownMAC   = "52:54:00:00:00:07"
	foreignMAC = "52:54:00:00:00:99"
	circuit    = "tor-r1:xe-0/0/7.0"
)

var site = Site{Address: netip.MustParseAddr("127.0.0.1"), URL: "http://127.0.0.1:8080", Lease: time.Hour}

// rack is a memory of one machine.
type rack struct{ metal.BootMachine }

func (r rack) ByPort(p metal.Port) (metal.BootMachine, bool) { return r.BootMachine, p == r.Port }

func (r rack) ByMAC(mac string) (metal.BootMachine, bool) {
	return r.BootMachine, len(r.MACs) > 0 && r.MACs[0] == mac
}

func (r rack) ByAddress(a netip.Addr) (metal.BootMachine, bool) {
	return r.BootMachine, a == r.Install.Machine()
}

func oneMachine(link string) rack {
	return rack{metal.BootMachine{
		ID:      "m7",
		Port:    metal.Port{Switch: "tor-r1", Name: "xe-0/0/7"},
		MACs:    []string{knownMAC},
		Install: metal.Link{Prefix: netip.MustParsePrefix(link), Role: metal.Install},
	}}
}

// request is what the relay of the machine's own port passes on.
func request(t testing.TB, mt dhcpv4.MessageType, change ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	mac, err := net.ParseMAC(knownMAC)
	require.NoError(t, err)
	req, err := dhcpv4.New(append([]dhcpv4.Modifier{
		dhcpv4.WithMessageType(mt), dhcpv4.WithHwAddr(mac), dhcpv4.WithGatewayIP(net.IP{127, 20, 0, 14}), relayedBy(circuit),
	}, change...)...)
	require.NoError(t, err)
	return req
}

func relayedBy(circuit string, more ...dhcpv4.Option) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptRelayAgentInfo(append(more,
		dhcpv4.OptGeneric(dhcpv4.AgentCircuitIDSubOption, []byte(circuit)))...))
}

func option(code dhcpv4.OptionCode, value string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptGeneric(code, []byte(value)))
}

func from(mac string) dhcpv4.Modifier {
	hw, _ := net.ParseMAC(mac)
	return dhcpv4.WithHwAddr(hw)
}

func asking(addr string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.ParseIP(addr)))
}

func without82(d *dhcpv4.DHCPv4) { d.DeleteOption(dhcpv4.OptionRelayAgentInformation) }

func TestAMachineIsOfferedItsEndOfTheInstallLink(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]struct{ gateway, machine, mask string }{
		"127.20.0.14/31": {"127.20.0.14", "127.20.0.15", "fffffffe"},
		"127.20.0.12/30": {"127.20.0.13", "127.20.0.14", "fffffffc"},
	} {
		a := site.Answer(request(t, dhcpv4.MessageTypeDiscover, dhcpv4.WithGatewayIP(net.ParseIP(want.gateway))), oneMachine(link))
		require.Equal(t, Offered, a.Outcome, link)
		require.Equal(t, want.machine, a.Reply.YourIPAddr.String())
		require.Equal(t, want.mask, a.Reply.SubnetMask().String())
		require.Equal(t, want.gateway, a.Reply.Router()[0].String())
		require.Equal(t, "127.0.0.1", a.Reply.ServerIdentifier().String())
		require.Equal(t, time.Hour, a.Reply.IPAddressLeaseTime(0))
	}
}

func TestARequestForItsOwnAddressIsAcknowledgedAndForAnyOtherRefused(t *testing.T) {
	t.Parallel()
	m := oneMachine("127.20.0.14/31")
	own := site.Answer(request(t, dhcpv4.MessageTypeRequest, asking("127.20.0.15")), m)
	require.Equal(t, Acked, own.Outcome)
	require.Equal(t, dhcpv4.MessageTypeAck, own.Reply.MessageType())

	other := site.Answer(request(t, dhcpv4.MessageTypeRequest, asking("10.9.9.9")), m)
	require.Equal(t, Refused, other.Outcome)
	require.Equal(t, dhcpv4.MessageTypeNak, other.Reply.MessageType())
	require.True(t, other.Reply.IsBroadcast(), "a relay must broadcast a NAK")
	require.Nil(t, other.Reply.YourIPAddr)
	require.Contains(t, other.Reply.Message(), "10.9.9.9")

	renewal := site.Answer(request(t, dhcpv4.MessageTypeRequest, dhcpv4.WithClientIP(net.IP{127, 20, 0, 15})), m)
	require.Equal(t, Acked, renewal.Outcome)
	nothing := site.Answer(request(t, dhcpv4.MessageTypeRequest), m)
	require.Equal(t, Malformed, nothing.Outcome)
}

func TestAClientThatChoseAnotherServerIsLeftToIt(t *testing.T) {
	t.Parallel()
	chose := func(server string) Answer {
		return site.Answer(request(t, dhcpv4.MessageTypeRequest, asking("127.20.0.15"),
			dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(server)))), oneMachine("127.20.0.14/31"))
	}
	require.Equal(t, Acked, chose("127.0.0.1").Outcome)
	require.Equal(t, Elsewhere, chose("127.0.0.2").Outcome)
	require.Nil(t, chose("127.0.0.2").Reply)
}

func TestTheRelayMayStandInForTheServer(t *testing.T) {
	t.Parallel()
	override := relayedBy(circuit, dhcpv4.OptGeneric(dhcpv4.ServerIdentifierOverrideSubOption, []byte{127, 20, 0, 14}))
	a := site.Answer(request(t, dhcpv4.MessageTypeRequest, override, asking("127.20.0.15"),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IP{127, 20, 0, 14}))), oneMachine("127.20.0.14/31"))
	require.Equal(t, Acked, a.Outcome)
	require.Equal(t, "127.20.0.14", a.Reply.ServerIdentifier().String())
}

func TestInformReleaseAndDeclineAreHandled(t *testing.T) {
	t.Parallel()
	m := oneMachine("127.20.0.14/31")
	inform := site.Answer(request(t, dhcpv4.MessageTypeInform, dhcpv4.WithClientIP(net.IP{127, 20, 0, 15})), m)
	require.Equal(t, Acked, inform.Outcome)
	require.Nil(t, inform.Reply.YourIPAddr)
	require.False(t, inform.Reply.Options.Has(dhcpv4.OptionIPAddressLeaseTime))
	for _, mt := range []dhcpv4.MessageType{dhcpv4.MessageTypeRelease, dhcpv4.MessageTypeDecline} {
		a := site.Answer(request(t, mt), m)
		require.Equal(t, Noted, a.Outcome)
		require.Nil(t, a.Reply)
	}
}

func TestThePortGoesBeforeTheMAC(t *testing.T) {
	t.Parallel()
	m := oneMachine("127.20.0.14/31")
	swapped := site.Answer(request(t, dhcpv4.MessageTypeDiscover, from(foreignMAC)), m)
	require.Equal(t, Offered, swapped.Outcome)
	require.True(t, swapped.Foreign)
	require.Equal(t, metal.MachineID("m7"), swapped.Machine)

	elsewhere := site.Answer(request(t, dhcpv4.MessageTypeDiscover, relayedBy("tor-r1:xe-0/0/8.0")), m)
	require.Equal(t, Stranger, elsewhere.Outcome, "a known MAC at a port of no machine is a stranger")
	unreadable := site.Answer(request(t, dhcpv4.MessageTypeDiscover, relayedBy("irb.100")), m)
	require.Equal(t, Stranger, unreadable.Outcome)

	byMAC := site.Answer(request(t, dhcpv4.MessageTypeDiscover, without82), m)
	require.Equal(t, Offered, byMAC.Outcome)
	require.False(t, byMAC.Foreign)
	nobody := site.Answer(request(t, dhcpv4.MessageTypeDiscover, without82, from(foreignMAC)), m)
	require.Equal(t, Stranger, nobody.Outcome)
	require.Nil(t, nobody.Reply)
}

func TestAPortWithoutItsSwitchIsThatOfTheRelaysOwnLink(t *testing.T) {
	t.Parallel()
	m := oneMachine("127.20.0.14/31")
	bare := site.Answer(request(t, dhcpv4.MessageTypeDiscover, relayedBy("xe-0/0/7")), m)
	require.Equal(t, Offered, bare.Outcome)
	require.Equal(t, m.Port, bare.Port)
	otherPort := site.Answer(request(t, dhcpv4.MessageTypeDiscover, relayedBy("xe-0/0/8")), m)
	require.Equal(t, Stranger, otherPort.Outcome, "a known link, and another port: mis-cabling of the relay")
	otherLink := site.Answer(request(t, dhcpv4.MessageTypeDiscover, relayedBy("xe-0/0/7"), dhcpv4.WithGatewayIP(net.IP{127, 20, 0, 16})), m)
	require.Equal(t, Stranger, otherLink.Outcome, "port names repeat: another switch has this one, too")
}

func TestEveryArchitectureIsServedOrToldByItsName(t *testing.T) {
	t.Parallel()
	served := map[iana.Arch]string{}
	for number := range iana.Arch(42) {
		class := "PXEClient"
		if strings.Contains(architectures[number].name, "HTTP") {
			class = "HTTPClient"
		}
		a := site.Answer(request(t, dhcpv4.MessageTypeDiscover, option(dhcpv4.OptionClassIdentifier, class),
			dhcpv4.WithOption(dhcpv4.OptClientArch(number))), oneMachine("127.20.0.14/31"))
		require.NotContains(t, a.Firmware, "architecture", "IANA's registry has a name for %d", number)
		require.Equal(t, Offered, a.Outcome, "it is a machine of ours, and gets its address")
		require.Equal(t, a.Client == ClientUnknown, a.Reply.BootFileName == "", a.Firmware)
		if a.Reply.BootFileName != "" {
			served[number] = a.Reply.BootFileName
		}
	}
	require.Equal(t, map[iana.Arch]string{
		0: "undionly.kpxe", 7: "snponly.efi", 9: "snponly.efi", 11: "ipxe-arm64.efi",
		16: site.URL + "/snponly.efi", 17: site.URL + "/snponly.efi", 19: site.URL + "/ipxe-arm64.efi",
	}, served)
	unheardOf := site.Answer(request(t, dhcpv4.MessageTypeDiscover, option(dhcpv4.OptionClassIdentifier, "PXEClient"),
		dhcpv4.WithOption(dhcpv4.OptClientArch(4711))), oneMachine("127.20.0.14/31"))
	require.Equal(t, ClientUnknown, unheardOf.Client)
	require.Equal(t, "architecture 4711", unheardOf.Firmware)
}

func TestOnlyTheSwitchEndOfTheLinkMayRelay(t *testing.T) {
	t.Parallel()
	m := oneMachine("127.20.0.14/31")
	direct := site.Answer(request(t, dhcpv4.MessageTypeDiscover, dhcpv4.WithGatewayIP(net.IPv4zero.To4())), m)
	require.Equal(t, Unrelayed, direct.Outcome)
	wrong := site.Answer(request(t, dhcpv4.MessageTypeDiscover, dhcpv4.WithGatewayIP(net.IP{127, 20, 0, 16})), m)
	require.Equal(t, WrongLink, wrong.Outcome)
	byMAC := site.Answer(request(t, dhcpv4.MessageTypeDiscover, without82, dhcpv4.WithGatewayIP(net.IP{127, 20, 0, 16})), m)
	require.Equal(t, WrongLink, byMAC.Outcome, "a MAC is no way around it")
	for _, a := range []Answer{direct, wrong, byMAC} {
		require.Nil(t, a.Reply)
	}
}

func TestIdentifiersComeBackAsTheyCameAndOnlyThen(t *testing.T) {
	t.Parallel()
	m := oneMachine("127.20.0.14/31")
	req := request(t, dhcpv4.MessageTypeDiscover,
		option(dhcpv4.OptionClientMachineIdentifier, "\x000123456789abcdef"), option(dhcpv4.OptionClientIdentifier, "\x01abcdef"))
	a := site.Answer(req, m)
	for _, code := range []dhcpv4.OptionCode{
		dhcpv4.OptionRelayAgentInformation, dhcpv4.OptionClientMachineIdentifier, dhcpv4.OptionClientIdentifier,
	} {
		require.Equal(t, req.Options.Get(code), a.Reply.Options.Get(code), code.String())
	}
	require.Equal(t, req.TransactionID, a.Reply.TransactionID)
	require.Equal(t, req.Flags, a.Reply.Flags)

	bare := site.Answer(request(t, dhcpv4.MessageTypeDiscover), m)
	require.False(t, bare.Reply.Options.Has(dhcpv4.OptionClientMachineIdentifier), "some ROMs omit it")
}

func TestEachKindOfFirmwareGetsAProgramThatItCanRun(t *testing.T) {
	t.Parallel()
	arch := func(a ...iana.Arch) dhcpv4.Modifier { return dhcpv4.WithOption(dhcpv4.OptClientArch(a...)) }
	pxe := option(dhcpv4.OptionClassIdentifier, "PXEClient:Arch:00007:UNDI:003016")
	http := option(dhcpv4.OptionClassIdentifier, "HTTPClient:Arch:00016:UNDI:003001")
	for name, c := range map[string]struct {
		client Client
		file   string
		with   []dhcpv4.Modifier
	}{
		"BIOS":                   {ClientPXEBIOS, "undionly.kpxe", []dhcpv4.Modifier{pxe, arch(iana.INTEL_X86PC)}},
		"BIOS without option 93": {ClientPXEBIOS, "undionly.kpxe", []dhcpv4.Modifier{pxe}},
		"UEFI 7":                 {ClientPXEx64, "snponly.efi", []dhcpv4.Modifier{pxe, arch(iana.EFI_X86_64)}},
		"UEFI 9":                 {ClientPXEx64, "snponly.efi", []dhcpv4.Modifier{pxe, arch(iana.EFI_BC)}},
		"UEFI arm64":             {ClientPXEarm64, "ipxe-arm64.efi", []dhcpv4.Modifier{pxe, arch(iana.EFI_ARM64)}},
		"UEFI 32 bit":            {ClientUnknown, "", []dhcpv4.Modifier{pxe, arch(iana.EFI_IA32)}},
		"several kinds":          {ClientPXEarm64, "ipxe-arm64.efi", []dhcpv4.Modifier{pxe, arch(iana.EFI_RISCV64, iana.EFI_ARM64)}},
		"U-Boot":                 {ClientUnknown, "", []dhcpv4.Modifier{option(dhcpv4.OptionClassIdentifier, "U-Boot.armv8"), arch(iana.UBOOT_ARM64)}},
		"HTTP 32 bit":            {ClientUnknown, "", []dhcpv4.Modifier{http, arch(iana.EFI_X86_HTTP)}},
		"HTTP without option 93": {ClientHTTPx64, site.URL + "/snponly.efi", []dhcpv4.Modifier{http}},
		"HTTP x64":               {ClientHTTPx64, site.URL + "/snponly.efi", []dhcpv4.Modifier{http, arch(iana.EFI_X86_64_HTTP)}},
		"HTTP arm64":             {ClientHTTParm64, site.URL + "/ipxe-arm64.efi", []dhcpv4.Modifier{http, arch(iana.EFI_ARM64_HTTP)}},
		"iPXE on UEFI":           {ClientIPXE, site.URL + "/boot.ipxe", []dhcpv4.Modifier{pxe, arch(iana.EFI_X86_64), option(dhcpv4.OptionUserClassInformation, "iPXE")}},
		"iPXE after RFC 3004":    {ClientIPXE, site.URL + "/boot.ipxe", []dhcpv4.Modifier{pxe, option(dhcpv4.OptionUserClassInformation, "\x04iPXE")}},
		"a system":               {ClientOS, "", []dhcpv4.Modifier{option(dhcpv4.OptionClassIdentifier, "dhcpcd-9.4.1:Linux")}},
		"a system without class": {ClientOS, "", nil},
	} {
		a := site.Answer(request(t, dhcpv4.MessageTypeDiscover, c.with...), oneMachine("127.20.0.14/31"))
		require.Equal(t, c.client, a.Client, name)
		require.Equal(t, c.file, a.Reply.BootFileName, name)
		require.Equal(t, c.file, a.Reply.BootFileNameOption(), name)
		isHTTP := c.client == ClientHTTPx64 || c.client == ClientHTTParm64
		require.Equal(t, isHTTP, a.Reply.ClassIdentifier() == "HTTPClient", name)
	}
}

func TestTwoServersOfASiteAnswerAlike(t *testing.T) {
	t.Parallel()
	req := request(t, dhcpv4.MessageTypeDiscover, option(dhcpv4.OptionClassIdentifier, "PXEClient"))
	m := oneMachine("127.20.0.14/31")
	twin := site
	require.Equal(t, site.Answer(req, m).Reply.ToBytes(), twin.Answer(req, m).Reply.ToBytes())
}
