package metadata

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	client "github.com/packethost/packngo/metadata"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// serve has a machine's metadata answered on a real socket.
func serve(t *testing.T, m metal.BootMachine) string {
	t.Helper()
	server := httptest.NewServer(Handler(func(*http.Request) (metal.BootMachine, error) { return m, nil }, url))
	t.Cleanup(server.Close)
	return server.URL
}

func TestPacketsOwnClientReadsTheDocument(t *testing.T) {
	t.Parallel()
	at := serve(t, tenant())
	d, err := client.GetMetadataFromURL(at)
	require.NoError(t, err)
	require.Equal(t, []string{string(tenant().Tenancy.Device), "web1", "c1.small", "lab", "lab1"}, []string{d.ID, d.Hostname, d.Plan, d.Metro, d.Facility})
	require.Equal(t, client.OperatingSystem{Slug: "debian_12", Distro: "debian", Version: "12"}, d.OS)
	require.Equal(t, map[string]any{"role": "front"}, d.CustomData)
	require.Equal(t, client.BondingLACP, d.Network.BondingMode())
	require.Len(t, d.Network.Interfaces, 2)
	mac, err := d.Network.Interfaces[0].ParseMAC()
	require.NoError(t, err)
	require.Equal(t, "52:54:00:00:00:07", mac.String())
	require.Len(t, d.Network.Addresses, 3)
	a := d.Network.Addresses[0]
	require.True(t, a.Public && a.Management)
	require.Equal(t, []any{client.IPv4, "198.51.100.5", "255.255.255.254", "198.51.100.4", 31},
		[]any{a.Family, a.Address.String(), a.NetworkMask.String(), a.Gateway.String(), a.NetworkBits})
	data, err := client.GetUserDataFromURL(at)
	require.NoError(t, err)
	require.Equal(t, "#!/bin/sh\necho hello\n", string(data))

	idle := tenant()
	idle.Tenancy = nil
	_, err = client.GetMetadataFromURL(serve(t, idle))
	require.EqualError(t, err, "no device lives here")
}

// TestCloudInitsEC2SourceReadsTheTree with the code that Packet's images used
// to ask with.
func TestCloudInitsEC2SourceReadsTheTree(t *testing.T) {
	t.Parallel()
	m := tenant()
	m.Tenancy.SSHKeys = append(m.Tenancy.SSHKeys, "ssh-ed25519 BBBB bob@acme")
	out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/ec2.py", serve(t, m)).Output()
	require.NoError(t, err)
	var got struct {
		Meta map[string]any
		User string
		Keys []string
	}
	require.NoError(t, json.Unmarshal(out, &got))
	require.Equal(t, "#!/bin/sh\necho hello\n", got.User)
	require.Equal(t, m.Tenancy.SSHKeys, got.Keys)
	for key, want := range map[string]string{
		"instance-id": string(m.Tenancy.Device), "local-hostname": "web1", "public-ipv4": "198.51.100.5", "local-ipv4": "10.1.0.9", "public-ipv6": "2001:db8::5",
	} {
		require.Equal(t, want, got.Meta[key], key)
	}
	require.Equal(t, "debian", got.Meta["operating-system"].(map[string]any)["distro"])
}

// TestIgnitionFindsWhereToSendItsStates as its packet provider does: from the
// phone-home URL without "/phone-home", or else from the whole of it.
func TestIgnitionFindsWhereToSendItsStates(t *testing.T) {
	t.Parallel()
	document, ok := Describe(tenant(), url)
	require.True(t, ok)
	require.Equal(t, "http://10.0.0.1:8080/phone-home?boot=12/events", strings.TrimSuffix(document.PhoneHomeURL, "/phone-home")+"/events",
		"which boot takes for a state, and not for a phone-home")
	require.Equal(t, "http://10.0.0.1:8080/events?boot=12", document.UserStateURL)
}
