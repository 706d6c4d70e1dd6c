package junos

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/Juniper/go-netconf/netconf"
)

const (
	base10 = "urn:ietf:params:netconf:base:1.0"
	// junosProtocol is offered by a switch that knows Junos's own operations.
	junosProtocol = "http://xml.juniper.net/netconf/junos/1.0"
	// messageLimit: a full configuration of a large switch is some 10 MiB.
	messageLimit = 64 << 20
)

// transport is go-netconf's way to the switch, written anew because the one it
// brings hangs and corrupts replies. It speaks base:1.0 alone: chunked framing
// of 1.1 begins only if both sides offer it, and this one does not.
type transport struct {
	frames frames
	out    io.WriteCloser

	hello    error    // why the switch's hello is not one; go-netconf drops it
	offers   []string // the switch's capabilities
	sent     []byte   // the last request, and
	received []byte   // the last reply, as they crossed the wire
}

var _ netconf.Transport = (*transport)(nil)

func newTransport(in io.Reader, out io.WriteCloser) *transport {
	return &transport{frames: frames{in: bufio.NewReader(in), limit: messageLimit}, out: out}
}

// Send writes one message and its mark.
func (t *transport) Send(message []byte) error {
	t.sent = message
	_, err := t.out.Write(append(message, endOfMessage...))
	return err
}

// messageID reads what go-netconf numbered a request with.
func messageID(request []byte) string {
	decoder := xml.NewDecoder(bytes.NewReader(request))
	for {
		token, err := decoder.Token()
		if err != nil {
			return ""
		}
		if start, ok := token.(xml.StartElement); ok {
			e := &element{}
			for _, a := range start.Attr {
				e.attribute(a)
			}
			return e.messageID
		}
	}
}

// Receive reads one message, and keeps it for whoever wants more of it than
// go-netconf reads.
func (t *transport) Receive() ([]byte, error) {
	var err error
	t.received, err = t.frames.next()
	return t.received, err
}

// ReceiveHello reads the switch's hello by local names, because Junos before
// 17 leaves its namespace out. NewSession ignores the error: ask hello.
func (t *transport) ReceiveHello() (*netconf.HelloMessage, error) {
	hello := &netconf.HelloMessage{}
	hello, t.hello = t.readHello(hello)
	t.offers = hello.Capabilities
	return hello, t.hello
}

func (t *transport) readHello(hello *netconf.HelloMessage) (*netconf.HelloMessage, error) {
	message, err := t.Receive()
	if err != nil {
		return hello, err
	}
	root, err := parse(message)
	if err != nil {
		return hello, err
	}
	if root.name != "hello" {
		return hello, fmt.Errorf("%q instead of a hello", root.name)
	}
	for _, c := range root.child("capabilities").all("capability") {
		hello.Capabilities = append(hello.Capabilities, c.text)
	}
	if !slices.Contains(hello.Capabilities, base10) {
		return hello, fmt.Errorf("no %s among what it offers: %q", base10, hello.Capabilities)
	}
	hello.SessionID, err = strconv.Atoi(root.child("session-id").value())
	return hello, err
}

// SendHello ignores what go-netconf wants to offer, base:1.1, which it cannot
// read.
func (t *transport) SendHello(*netconf.HelloMessage) error {
	return t.Send([]byte(`<hello xmlns="` + netconfNamespace + `"><capabilities>` +
		`<capability>` + base10 + `</capability></capabilities></hello>`))
}

// SetVersion is how go-netconf asks for chunked framing; base:1.0 has none.
func (t *transport) SetVersion(string) {}

// Close ends the channel.
func (t *transport) Close() error { return t.out.Close() }
