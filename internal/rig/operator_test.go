package rig_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
	"millwright/internal/rig"
)

// operator is a person with a session of their own on a switch.
type operator struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
}

// endOfMessage is how NETCONF 1.0 frames (RFC 6242, section 4.3).
const endOfMessage = "]]>]]>"

// atSwitch logs in as somebody does from a terminal.
func atSwitch(t *testing.T, r *rig.Rig, id metal.SwitchID) *operator {
	t.Helper()
	sw, err := r.Store.Switch(t.Context(), id)
	require.NoError(t, err)
	client, err := ssh.Dial("tcp", sw.Address, &ssh.ClientConfig{
		User: "millwright", Auth: []ssh.AuthMethod{ssh.Password("lab-switch-password")}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	session, err := client.NewSession()
	require.NoError(t, err)
	o := &operator{t: t}
	o.in, err = session.StdinPipe()
	require.NoError(t, err)
	out, err := session.StdoutPipe()
	require.NoError(t, err)
	o.out = bufio.NewReader(out)
	require.NoError(t, session.RequestSubsystem("netconf"))
	o.read()
	o.write(`<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>`)
	return o
}

// commit changes interfaces by hand.
func (o *operator) commit(interfaces string) {
	o.t.Helper()
	for _, operation := range []string{
		"<lock><target><candidate/></target></lock>",
		"<edit-config><target><candidate/></target><config><configuration><interfaces>" + interfaces + "</interfaces></configuration></config></edit-config>",
		"<commit/>",
		"<unlock><target><candidate/></target></unlock>",
	} {
		o.write(`<rpc message-id="1" xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">` + operation + `</rpc>`)
		require.NotContains(o.t, o.read(), "rpc-error")
	}
}

func (o *operator) write(message string) {
	o.t.Helper()
	_, err := io.WriteString(o.in, message+endOfMessage)
	require.NoError(o.t, err)
}

func (o *operator) read() string {
	o.t.Helper()
	var message strings.Builder
	for !strings.HasSuffix(message.String(), endOfMessage) {
		b, err := o.out.ReadByte()
		require.NoError(o.t, err)
		message.WriteByte(b)
	}
	return message.String()
}

func described(name, description string) string {
	return fmt.Sprintf("<interface><name>%s</name><description>%s</description></interface>", name, description)
}

// cli runs starter and requires how it exits.
func cli(t *testing.T, r *rig.Rig, code int, args ...string) string {
	t.Helper()
	out, err := r.Command(t.Context(), "starter", args...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	require.NoError(t, err)
	got := 0
	if exit != nil {
		got = exit.ExitCode()
	}
	require.Equal(t, code, got, "starter %v: %s", args, out)
	return string(out)
}

func labSwitch(t *testing.T, r *rig.Rig, id metal.SwitchID) *netconf.Switch {
	t.Helper()
	sw, err := r.Lab.Switch(id)
	require.NoError(t, err)
	return sw
}
