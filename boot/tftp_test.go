package main

import (
	"crypto/sha256"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// vethPort makes port swp1 a cable to a network namespace, for what needs no
// firmware. The name of its other end is m1.
const vethPort = "ip link add swp1 type veth peer name m1"

// plug gives the cable's other end to a namespace of its own.
func (c *cabled) plug() *node {
	m := newNode(c.t)
	c.sw.run("ip link set m1 netns " + strings.Split(m.ns, "/")[2])
	m.run("ip link set lo up\nip link set m1 address " + vmMAC + "\nip link set m1 up")
	return m
}

// A twentieth of all packets is lost on the switch, either way. The three clients fetch at
// once, with the options that firmware uses: block size and transfer size.
func TestTFTPClientsThatWeDidNotWriteFetchOverALossyLink(t *testing.T) {
	t.Parallel()
	if !alone(t) {
		return
	}
	c := cable(t, vethPort, func(*Config) {})
	m := c.plug()
	m.run("ip addr add 10.0.0.1/31 dev m1\nip route add default via 10.0.0.0")
	c.sw.run(`nft -f - <<'END'
table inet loss {
	chain through { type filter hook forward priority 0; meta l4proto udp numgen random mod 100 < 5 counter drop; }
}
END`)
	want, err := os.ReadFile("/usr/lib/ipxe/undionly.kpxe")
	require.NoError(t, err)
	dir := t.TempDir()
	clients := map[string]string{
		"tftp-hpa": "tftp -m binary " + bootAddress + " -c get undionly.kpxe " + dir + "/tftp-hpa",
		"curl":     "curl -sS --max-time 60 --tftp-blksize 1428 -o " + dir + "/curl tftp://" + bootAddress + "/undionly.kpxe",
		"busybox":  "busybox tftp -b 1428 -g -r undionly.kpxe -l " + dir + "/busybox " + bootAddress,
	}
	done := make(chan error, len(clients))
	for _, command := range clients {
		go func() {
			_, err := m.try(command)
			done <- err
		}()
	}
	for range clients {
		require.NoError(t, <-done)
	}
	for name := range clients {
		got, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, sha256.Sum256(want), sha256.Sum256(got), name)
	}
	require.NotContains(t, c.sw.run("nft list ruleset"), "packets 0 ", "something was lost")
}

func TestATFTPClientThatVanishesFreesItsSession(t *testing.T) {
	t.Parallel()
	r := setup(t, newWorld())
	conn, err := net.Dial("udp", r.srv.tftp.LocalAddr().String())
	require.NoError(t, err)
	_, err = conn.Write([]byte("\x00\x01undionly.kpxe\x00octet\x00blksize\x001428\x00"))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	freed := func() bool { return strings.Contains(r.log.String(), "msg=TFTP file=undionly.kpxe bytes=0 error=") }
	require.Eventually(t, freed, time.Minute, 20*time.Millisecond, "the transfer ends by itself")
	require.Equal(t, "a BIOS program", r.tftp("undionly.kpxe"), "and others are served")
}
