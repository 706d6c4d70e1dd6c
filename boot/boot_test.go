package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/pin/tftp/v3"
	"github.com/stretchr/testify/require"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

const image = "a disk image"

func imageHash() string { sum := sha256.Sum256([]byte(image)); return hex.EncodeToString(sum[:]) }

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
type ramdisk struct{ content []byte }

func (d *ramdisk) Erase(context.Context) (string, error) { d.content = nil; return "zeros", nil }
func (d *ramdisk) Write(_ context.Context, image io.Reader, _ int64) (err error) {
	d.content, err = io.ReadAll(image)
	return err
}
func (d *ramdisk) Verify(context.Context, string, int64) error      { return nil }
func (d *ramdisk) Configure(context.Context, agent.FirstBoot) error { return nil }

func TestAMachineGoesFromDHCPThroughTheAgentToItsPhoneHome(t *testing.T) {
	t.Parallel()
	m7 := machine("m7", 14)
	m7.Tenancy = &metal.Tenancy{Device: "d1", Hostname: "web1", UserData: []byte("#cloud-config")}
	r := setup(t, newWorld(m7))
	r.agentIntent("m7", 12, metal.AgentJob{Job: metal.JobInstall, Hostname: "web1", Image: metal.Image{File: "debian.raw", SHA256: imageHash(), Size: int64(len(image))}})

	// The ROM takes iPXE over TFTP, and iPXE the script over HTTP.
	rom := r.dhcp("")
	require.Equal(t, "127.20.0.15", rom.YourIPAddr.String())
	require.Equal(t, "a BIOS program", r.tftp(rom.BootFileName))
	require.Equal(t, r.srv.URL+"/boot.ipxe", r.dhcp("iPXE").BootFileName)
	token := r.token("127.20.0.15")

	// The agent installs and waits until it is told to leave.
	disk, log := &ramdisk{}, &journal{}
	left := make(chan agent.Exit, 1)
	go func() {
		exit, err := agent.Run(context.Background(), agent.Config{
			URL: r.srv.URL, Boot: 12, Token: token, Client: from("127.20.0.15"), Disks: disk,
			Inventory: func() string { return "1 disk" }, Log: slog.New(slog.NewTextHandler(log, nil)),
		})
		require.NoError(t, err)
		left <- exit
	}()
	r.eventually("the run hears of the install", func() bool { return len(r.w.heardKinds()) == 2 })
	require.Empty(t, left)
	r.setJob("m7", metal.AgentJob{Job: metal.JobLeave, Kexec: true}, false)
	require.Equal(t, agent.Kexec, <-left)
	require.Equal(t, image, string(disk.content))

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
