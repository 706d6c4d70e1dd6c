package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/pin/tftp/v3"
	"github.com/stretchr/testify/require"

	"millwright/internal/agent"
	"millwright/internal/erasure"
	"millwright/internal/metal"
)

// dhcp is a four-way exchange through the relay of the machine at 127.20.0.14/31.
func (r *rig) dhcp(userClass string) *dhcpv4.DHCPv4 {
	r.t.Helper()
	conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 20, 0, 14)}, r.srv.dhcp.LocalAddr().(*net.UDPAddr))
	require.NoError(r.t, err)
	defer func() { _ = conn.Close() }()
	mac := net.HardwareAddr{0x52, 0x54, 0, 0, 0, 0x0e}
	relayed := func(d *dhcpv4.DHCPv4) {
		d.GatewayIPAddr = net.IP{127, 20, 0, 14}
		d.UpdateOption(dhcpv4.OptClassIdentifier("PXEClient"))
		if userClass != "" {
			d.UpdateOption(dhcpv4.OptUserClass(userClass))
		}
		d.UpdateOption(dhcpv4.OptRelayAgentInfo(
			dhcpv4.OptGeneric(dhcpv4.AgentCircuitIDSubOption, []byte("tor-r1:xe-0/0/14.0")),
			dhcpv4.OptGeneric(dhcpv4.RelaySourcePortSubOption, nil)))
	}
	discover, err := dhcpv4.NewDiscovery(mac, relayed)
	require.NoError(r.t, err)
	offer := r.exchange(conn, discover)
	request, err := dhcpv4.NewRequestFromOffer(offer, relayed)
	require.NoError(r.t, err)
	ack := r.exchange(conn, request)
	require.Equal(r.t, dhcpv4.MessageTypeAck, ack.MessageType())
	return ack
}

func (r *rig) exchange(conn *net.UDPConn, req *dhcpv4.DHCPv4) *dhcpv4.DHCPv4 {
	_, err := conn.Write(req.ToBytes())
	require.NoError(r.t, err)
	require.NoError(r.t, conn.SetReadDeadline(time.Now().Add(patience)))
	buf := make([]byte, 1500)
	n, err := conn.Read(buf)
	require.NoError(r.t, err)
	reply, err := dhcpv4.FromBytes(buf[:n])
	require.NoError(r.t, err)
	return reply
}

// ramdisk is what the agent writes to.
type ramdisk struct {
	erased    metal.EraseMode
	installed agent.Install
}

func (d *ramdisk) Size() int64                                          { return 1 << 20 }
func (d *ramdisk) Check(context.Context, agent.Install) error           { return nil }
func (d *ramdisk) Lay(context.Context, agent.Install, agent.Tell) error { return nil }
func (d *ramdisk) Configure(context.Context, metal.FirstBoot, agent.Tell) error {
	return nil
}

func (d *ramdisk) Erase(_ context.Context, mode metal.EraseMode, _ agent.Tell) ([]json.RawMessage, error) {
	d.erased = mode
	raw, err := json.Marshal(certificate(erasure.Full))
	return []json.RawMessage{raw}, err
}

func (d *ramdisk) Write(_ context.Context, in agent.Install, tell agent.Tell) (string, error) {
	d.installed = in
	tell(1, 2, "half way")
	return "read back", nil
}

// certificate is one of a disk that says all that it must.
func certificate(mode erasure.Mode) erasure.Certificate {
	return erasure.Certificate{
		Path: "/dev/sda", Serial: "S1", Model: "a disk", Transport: "sata", Size: 1 << 20, Mode: mode, Method: "overwrite", Grade: erasure.Clear,
		Verified: erasure.Verified{Extent: erasure.Whole, Bytes: 1 << 20, Pieces: 1, Zero: true}, Result: erasure.Erased,
		Started: time.Unix(1, 0), Ended: time.Unix(2, 0), Tool: "test",
	}
}

func TestAMachineGoesFromDHCPThroughTheAgentToItsPhoneHome(t *testing.T) {
	t.Parallel()
	m7 := machine("m7", 14)
	m7.Tenancy = &metal.Tenancy{Device: "d1", Hostname: "web1", UserData: []byte("#cloud-config"),
		OperatingSystem: metal.OperatingSystem{ID: "debian_12", FirstBoot: metal.Plain},
		Leases:          []metal.Lease{{Prefix: netip.MustParsePrefix("198.51.100.0/31"), Role: metal.Public}}}
	r := setup(t, newWorld(m7))
	r.agentIntent("m7", 12, metal.AgentJob{Job: metal.JobInstall, Erase: metal.EraseFull, Image: metal.Image{ID: strings.Repeat("ab", 32), Size: 1 << 20}})

	// The ROM takes iPXE over TFTP, and iPXE the script over HTTP.
	rom := r.dhcp("")
	require.Equal(t, "127.20.0.15", rom.YourIPAddr.String())
	require.Equal(t, "a BIOS program", r.tftp(rom.BootFileName))
	require.Equal(t, r.srv.URL+"/boot.ipxe", r.dhcp("iPXE").BootFileName)
	token := r.token("127.20.0.15")

	// The agent installs and waits until it is told to leave.
	disk, log, said := &ramdisk{}, &journal{}, agent.NewJournal()
	left := make(chan agent.Exit, 1)
	go func() {
		exit, err := agent.Run(context.Background(), agent.Config{
			URL: r.srv.URL, Boot: 12, Token: token, Client: from("127.20.0.15"), Disks: disk,
			LoadKernel: func(context.Context) error { return nil },
			Version:    "v1", Journal: said, Log: slog.New(slog.NewTextHandler(io.MultiWriter(log, said), nil)),
			Inventory: func(context.Context) (string, json.RawMessage) { return "1 disk", json.RawMessage(`{"disks":[]}`) },
		})
		require.NoError(t, err)
		left <- exit
	}()
	r.eventually("the run hears of the install", func() bool { return len(r.w.heardKinds()) == 2 })
	require.Empty(t, left)
	r.setJob("m7", metal.AgentJob{Job: metal.JobLeave, Kexec: true}, false)
	require.Equal(t, agent.Kexec, <-left)
	require.Equal(t, metal.EraseFull, disk.erased)
	require.Equal(t, strings.Repeat("ab", 32), disk.installed.Image)
	require.Equal(t, "web1", disk.installed.FirstBoot.Hostname)
	require.Contains(t, disk.installed.FirstBoot.PhoneHomeURL, "/phone-home?boot=12")
	r.installIsKept("m7")

	// The installed system reads who it is, and phones home.
	code, script := r.ask("127.20.0.15", "GET", "/boot.ipxe", "")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, script, "sanboot")
	_, about := r.ask("127.20.0.15", "GET", "/metadata", "")
	require.Contains(t, about, `"hostname":"web1"`)
	require.Contains(t, about, `/phone-home?boot=12"`)
	code, _ = r.ask("127.20.0.15", "POST", "/phone-home?boot=12", "")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, []metal.ReportKind{metal.AgentUp, metal.Installed, metal.PhoneHome}, r.w.heardKinds())
	require.Equal(t, "1", r.metric(`millwright_boot_reports_total{kind="phone-home",outcome="signalled"}`))
	require.Equal(t, "1", r.metric(`millwright_dhcp_requests_total{client="ipxe",outcome="offered",type="discover"}`))

	for _, l := range []*journal{r.log, log} {
		require.NotEmpty(t, l.String())
		require.NotContains(t, l.String(), token, "a token never reaches a log")
	}
}

func (r *rig) tftp(name string) string {
	r.t.Helper()
	c, err := tftp.NewClient(r.srv.tftp.LocalAddr().String())
	require.NoError(r.t, err)
	transfer, err := c.Receive(name, "octet")
	require.NoError(r.t, err)
	var content bytes.Buffer
	_, err = transfer.WriteTo(&content)
	require.NoError(r.t, err)
	return content.String()
}

// installIsKept looks at what came with the agent's words: its hardware, what
// it logged, and a certificate that anybody can check.
func (r *rig) installIsKept(id metal.MachineID) {
	r.t.Helper()
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	up, installed := r.w.said[0], r.w.said[1]
	require.Equal(r.t, "v1", up.AgentVersion)
	require.JSONEq(r.t, `{"disks":[]}`, string(up.Hardware))
	require.True(r.t, installed.InFull)
	require.Len(r.t, installed.Certificates, 1)
	c := installed.Certificates[0]
	public, err := erasure.ParsePublicKey(r.w.keys[c.Key])
	require.NoError(r.t, err)
	signed, err := public.Verify(erasure.Signed{Payload: string(c.Body), Key: c.Key, Signature: c.Signature})
	require.NoError(r.t, err)
	require.Equal(r.t, id, signed.Machine)
	require.Equal(r.t, metal.DeviceID("d1"), signed.Device)
	require.Contains(r.t, string(r.w.logs[id]), "job begins")
}

func TestCertificatesThatSayTooLittleAreRefused(t *testing.T) {
	t.Parallel()
	r := setup(t, newWorld(machine("m7", 14)))
	r.agentIntent("m7", 3, metal.AgentJob{Job: metal.JobErase})
	token := "Bearer " + r.token("127.20.0.15")
	for what, c := range map[string]string{
		"nothing erased": `{"serial":"S1","result":"failed"}`,
		"no certificate": `"erased"`,
		"nothing read":   `{"serial":"S1","path":"/dev/sda","size":1,"mode":"full","method":"overwrite","result":"erased"}`,
	} {
		code, _ := r.ask("127.20.0.15", "POST", agent.PathReport+"?boot=3", `{"kind":"erased","detail":"x","certificates":[`+c+`]}`, "Authorization", token)
		require.Equal(t, http.StatusUnprocessableEntity, code, what)
	}
	require.Empty(t, r.w.heardKinds())
}
