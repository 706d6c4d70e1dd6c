package netconf

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

const initial = `<configuration><system><host-name>leaf1</host-name></system>
	<interfaces><interface><name>xe-0/0/1</name><mtu>9216</mtu></interface></interfaces></configuration>`

// served is a switch that listens.
type served struct {
	*Switch
	address string
}

func serve(t *testing.T, tune ...func(*Config)) served {
	t.Helper()
	config := Config{Name: "leaf1", User: "u", Password: "p", Initial: initial}
	for _, f := range tune {
		f(&config)
	}
	s, err := New(config)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return served{Switch: s, address: listener.Addr().String()}
}

// client is a NETCONF client as plain as can be, so that it proves the
// switch's bytes and not a driver's idea of them.
type client struct {
	t    *testing.T
	ssh  *ssh.Client
	in   *bufio.Reader
	out  io.Writer
	id   string
	next int
}

func (s served) login(password string) (*ssh.Client, error) {
	return ssh.Dial("tcp", s.address, &ssh.ClientConfig{
		User: "u", Auth: []ssh.AuthMethod{ssh.Password(password)},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if got := ssh.FingerprintSHA256(key); got != HostKeyFingerprint("leaf1") {
				return fmt.Errorf("host key %s", got)
			}
			return nil
		},
	})
}

func (s served) dial(t *testing.T) *client {
	t.Helper()
	conn, err := s.login("p")
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	channel, err := conn.NewSession()
	require.NoError(t, err)
	in, err := channel.StdoutPipe()
	require.NoError(t, err)
	out, err := channel.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, channel.RequestSubsystem("netconf"))
	c := &client{t: t, ssh: conn, in: bufio.NewReader(in), out: out}
	hello, err := readMessage(c.in, messageLimit)
	require.NoError(t, err)
	root, err := parse(hello)
	require.NoError(t, err)
	c.id = root.child("session-id").value()
	_, err = io.WriteString(out, `<hello><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>`+endOfMessage)
	require.NoError(t, err)
	return c
}

// try sends an operation and gives the reply as text, or the session's end.
func (c *client) try(operation string) (string, error) {
	c.next++
	_, err := fmt.Fprintf(c.out, `<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="m%d">%s</rpc>%s`, c.next, operation, endOfMessage)
	if err != nil {
		return "", err
	}
	reply, err := readMessage(c.in, messageLimit)
	return string(reply), err
}

// ask wants an answer to the request, whatever it is.
func (c *client) ask(operation string) string {
	c.t.Helper()
	reply, err := c.try(operation)
	require.NoError(c.t, err)
	require.Contains(c.t, reply, fmt.Sprintf(`message-id="m%d"`, c.next))
	return reply
}

// ok wants the operation done.
func (c *client) ok(operation string) {
	c.t.Helper()
	require.Contains(c.t, c.ask(operation), "<ok/>")
}

// edit wants the change of the candidate done.
func (c *client) edit(configuration string) {
	c.t.Helper()
	c.ok(editConfig(configuration, ""))
}

func editConfig(configuration, fallback string) string {
	if fallback != "" {
		fallback = "<default-operation>" + fallback + "</default-operation>"
	}
	return `<edit-config><target><candidate/></target>` + fallback +
		`<config xmlns:nc="` + baseNamespace + `"><configuration>` + configuration + `</configuration></config></edit-config>`
}

func get(source, filter string) string {
	if filter != "" {
		filter = `<filter type="subtree"><configuration>` + filter + `</configuration></filter>`
	}
	return "<get-config><source><" + source + "/></source>" + filter + "</get-config>"
}

const (
	lockCandidate   = "<lock><target><candidate/></target></lock>"
	unlockCandidate = "<unlock><target><candidate/></target></unlock>"
	commitNow       = "<commit/>"
)

func commitConfirmed(seconds int) string {
	return fmt.Sprintf("<commit><confirmed/><confirm-timeout>%d</confirm-timeout></commit>", seconds)
}

// mtu is a change that is easy to see.
func mtu(value string) string {
	return "<interfaces><interface><name>xe-0/0/1</name><mtu>" + value + "</mtu></interface></interfaces>"
}

func (s served) has(part string) bool { return strings.Contains(s.Snapshot(), part) }
