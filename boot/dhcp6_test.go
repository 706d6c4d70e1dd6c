package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ISC's client, through ISC's relay, which names a link by its address and a
// port by a number of its own.
func TestAClientThatWeDidNotWriteGetsItsIPv6AddressAndBootURL(t *testing.T) {
	t.Parallel()
	if !alone(t) {
		return
	}
	c := cable(t, vethPort, func(*Config) {})
	m := c.plug()
	dir := t.TempDir()
	conf, lease := filepath.Join(dir, "dhclient.conf"), filepath.Join(dir, "leases")
	require.NoError(t, os.WriteFile(conf, []byte(`option dhcp6.user-class code 15 = string;
option dhcp6.bootfile-url code 59 = text;
send dhcp6.user-class 00:04:69:50:58:45;
also request dhcp6.bootfile-url;
`), 0o600))
	dhclient := "exec dhclient -6 -v -1 -d -sf /bin/true -cf " + conf + " -lf " + lease + " --no-pid "
	leased := func() string { text, _ := os.ReadFile(lease); return string(text) }
	wait := func(what string) {
		require.Eventually(t, func() bool { return strings.Contains(leased(), what) }, 30*time.Second, 10*time.Millisecond,
			"%s: %s", what, c.relay6.said)
	}
	require.Eventually(t, func() bool { return !strings.Contains(m.run("ip -6 addr show dev m1"), "tentative") }, patience, 10*time.Millisecond)
	m.start("sh", "-c", dhclient+" m1")
	wait("iaaddr fd00:a::a00:1")
	wait(`dhcp6.bootfile-url "http://[fd00:b::1]/boot.ipxe"`)

	// The address is as good as the IPv4 one for what comes next.
	m.run("ip addr add fd00:a::a00:1/127 dev m1 nodad\nip -6 route replace default via fd00:a::a00:0")
	script := m.run("curl -sS --max-time 10 -g 'http://[fd00:b::1]/boot.ipxe'")
	require.Contains(t, script, "m1 boots its disk")
	require.Contains(t, c.log.String(), "machine=m1")
}
