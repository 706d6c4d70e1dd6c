package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// alone runs the test again in a network namespace of its own and says whether
// this is that run. There the boot service has the ports and addresses that it
// has at a site, and what a test lays out ends with its process.
func alone(t *testing.T) bool {
	t.Helper()
	const mark = "MILLWRIGHT_ALONE"
	if os.Getenv(mark) == t.Name() {
		return true
	}
	again := exec.CommandContext(t.Context(), "unshare", "--net", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
	again.Env = append(os.Environ(), mark+"="+t.Name())
	again.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := again.CombinedOutput()
	require.NoError(t, err, "needs root and util-linux\n%s", said)
	for line := range strings.Lines(string(said)) {
		if strings.Contains(line, "_test.go") {
			t.Log(strings.TrimSpace(line)) // figures
		}
	}
	return false
}

// node is a network namespace beside that of the test, as long as the test.
type node struct {
	t  *testing.T
	ns string
}

func newNode(t *testing.T) *node {
	t.Helper()
	n := &node{t: t}
	anchor := n.start("unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity")
	n.ns = fmt.Sprintf("/proc/%d/ns/net", anchor.pid)
	require.Eventually(t, func() bool { return anchor.said.String() == "ready\n" }, patience, time.Millisecond)
	return n
}

// process is a foreign program that runs as long as the test.
type process struct {
	pid  int
	said *journal
}

// start runs a program in the node until the test ends.
func (n *node) start(program string, args ...string) process {
	n.t.Helper()
	if n.ns != "" {
		program, args = "nsenter", append([]string{"--net=" + n.ns, "--", program}, args...)
	}
	p := process{said: &journal{}}
	c := exec.Command(program, args...)
	c.Stdout, c.Stderr = p.said, p.said
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(n.t, c.Start())
	n.t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	p.pid = c.Process.Pid
	return p
}

// run runs a script in the node; one with no namespace is the test's own.
func (n *node) run(script string) string {
	n.t.Helper()
	said, err := n.try(script)
	require.NoError(n.t, err)
	return said
}

func (n *node) try(script string) (string, error) {
	c := exec.CommandContext(n.t.Context(), "sh", "-ec", script)
	if n.ns != "" {
		c = exec.CommandContext(n.t.Context(), "nsenter", "--net="+n.ns, "--", "sh", "-ec", script)
	}
	said, err := c.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", script, err, said)
	}
	return string(said), err
}

// The site of these tests: what a port, a relay and a boot service have.
const (
	bootAddress = "10.255.0.1"
	bootURL     = "http://" + bootAddress
	swEnd       = "10.0.0.0/31" // of port swp1's install link, the even address

	bootAddress6 = "fd00:b::1"
	install6     = "fd00:a::/96"
	swEnd6       = "fd00:a::a00:0/127" // as Site6.Link makes it of swEnd
)

// cabled is a boot service behind a switch with one port, swp1, on which
// nothing is plugged in yet. A relay that we did not write runs on the switch.
type cabled struct {
	*rig
	sw            *node
	relay, relay6 process
}

// cable starts the service with the machine m1 at the port. How makes the port.
func cable(t *testing.T, how string, change func(*Config)) *cabled {
	t.Helper()
	w := newWorld(metal.BootMachine{
		ID: "m1", Port: metal.Port{Switch: "tor-r1", Name: "swp1"}, MACs: []string{vmMAC},
		Install:   metal.Link{Prefix: netip.MustParsePrefix(swEnd), Role: metal.Install},
		Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")},
	})
	own, sw := &node{t: t}, newNode(t)
	own.run(fmt.Sprintf(`ip link set lo up
ip link add sw0 type veth peer name boot0
ip link set boot0 netns %[1]s
ip addr add 10.255.0.1/31 dev sw0
ip addr add fd00:b::1/127 dev sw0 nodad
ip link set sw0 up`, strings.Split(sw.ns, "/")[2]))
	sw.run(`ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
ip addr add 10.255.0.0/31 dev boot0
ip addr add fd00:b::/127 dev boot0 nodad
ip link set boot0 up
` + how + `
ip addr add ` + swEnd + ` dev swp1
ip addr add ` + swEnd6 + ` dev swp1 nodad
ip link set swp1 up`)
	own.run("ip route add default via 10.255.0.0\nip -6 route add default via fd00:b::")
	c := &cabled{rig: &rig{t: t, w: w, log: &journal{}}, sw: sw}
	c.serve(change)
	c.relay = sw.start("dhcrelay", "-4", "-d", "--no-pid", "-a", "-id", "swp1", "-iu", "boot0", bootAddress)
	c.relay6 = sw.start("dhcrelay", "-6", "-d", "--no-pid", "-I", "-l", "swp1", "-u", bootAddress6+"%boot0")
	for _, relay := range []process{c.relay, c.relay6} {
		require.Eventually(t, func() bool { return strings.Contains(relay.said.String(), "Sending on   Socket/") }, patience, time.Millisecond, "%s", relay.said)
	}
	c.advertise()
	return c
}

// advertise sends what a machine's firmware waits for: who its router is, and
// that addresses come by DHCPv6. Without, iPXE of 2019 asks nobody for 13 s.
func (c *cabled) advertise() {
	conf := filepath.Join(c.t.TempDir(), "bird.conf")
	require.NoError(c.t, os.WriteFile(conf, []byte(`router id 10.255.0.0;
protocol device {}
protocol radv { interface "swp1" { min ra interval 3; max ra interval 4; min delay 1; managed yes; other config yes; prefix ::/0 { skip; }; }; }
`), 0o600))
	c.sw.start("bird", "-f", "-c", conf, "-s", conf+".ctl")
}

const vmMAC = "52:54:00:00:00:01"

// serve is setup, with a site's own ports and Debian's iPXE.
func (c *cabled) serve(change func(*Config)) {
	folder := c.t.TempDir()
	cfg := Config{
		Site: "lab1", Address: netip.MustParseAddr(bootAddress), URL: bootURL,
		Address6: netip.MustParseAddr(bootAddress6), Install6: netip.MustParsePrefix(install6),
		DHCPListen: ":67", DHCP6Listen: ":547", TFTPListen: ":69", HTTPListen: ":80", AdminListen: "127.0.0.1:0",
		IPXEFolder: "/usr/lib/ipxe", AgentFolder: folder, Images: ImageConfig{Folder: folder}, ErasureKey: folder + "/erasure.pem",
		Lease: time.Hour, Resend: 5 * time.Millisecond, Reload: time.Minute, Stale: time.Minute,
	}
	change(&cfg)
	srv, err := open(cfg, c.w, c.w, slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	require.NoError(c.t, err)
	c.srv = srv
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.run(ctx) }()
	c.t.Cleanup(func() { cancel(); require.NoError(c.t, <-done) })
	c.eventually("memory is filled", srv.view.loaded)
}
