package netconf

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	endOfMessage = "]]>]]>"
	// messageLimit is far above the edit of a full switch (hundreds of ports of
	// some kilobytes each).
	messageLimit = 64 << 20
)

// capabilities are what Junos offers by default: of the bases 1.0 alone, so
// that framing is by end-of-message mark.
var capabilities = []string{
	"urn:ietf:params:netconf:base:1.0",
	"urn:ietf:params:netconf:capability:candidate:1.0",
	"urn:ietf:params:netconf:capability:confirmed-commit:1.0",
	"urn:ietf:params:netconf:capability:validate:1.0",
	"http://xml.juniper.net/netconf/junos/1.0",
}

// errEnd ends a session without an answer.
var errEnd = errors.New("session ends")

// session is one NETCONF client on the switch.
type session struct {
	at    *Switch
	id    int
	user  string
	in    *bufio.Reader
	out   io.Writer
	close func() // ends the connection under the session
	done  <-chan struct{}

	editing time.Time // since when it has a lock
}

// run serves the client until it leaves, or until a fault throws it out.
func (s *session) run() {
	defer s.at.leave(s)
	hello := branch("capabilities")
	for _, c := range capabilities {
		hello.children = append(hello.children, leaf("capability", c))
	}
	if s.send(fmt.Sprintf(`<hello xmlns="%s">%s<session-id>%d</session-id></hello>`, baseNamespace, hello, s.id)) != nil {
		return
	}
	if _, err := readMessage(s.in, messageLimit); err != nil { // the client's hello
		return
	}
	for {
		message, err := readMessage(s.in, messageLimit)
		if err != nil || s.serve(message) != nil {
			return
		}
	}
}

// serve answers one rpc; an error ends the session.
func (s *session) serve(message []byte) error {
	rpc, err := parse(message)
	if err != nil || rpc.name != "rpc" || len(rpc.children) != 1 {
		malformed := rpcError{tag: "malformed-message", message: "not an rpc with one operation"}
		return s.reply("", malformed.node())
	}
	if _, hangs := s.at.strikes(Hang); hangs {
		<-s.done
		return errEnd
	}
	if _, babbles := s.at.strikes(Garbage); babbles {
		return s.send("\x00\xff<rpc-reply><unfinished")
	}
	answer, err := s.befallen(rpc.children[0])
	if answer != nil {
		if sent := s.reply(rpc.messageID, answer...); sent != nil {
			return sent
		}
	}
	return err
}

// befallen runs one operation with the faults that can befall any.
func (s *session) befallen(operation *node) ([]*node, error) {
	if slow, strikes := s.at.strikes(Slow); strikes && !s.wait(slow.Delay) {
		return nil, errEnd
	}
	if _, drops := s.at.strikes(DropBefore); drops {
		return nil, errEnd
	}
	if _, refuses := s.at.strikes(Refused); refuses {
		return ok(refused("", operation.name+" refused by the fault "+string(Refused))), nil
	}
	answer, err := s.operate(operation)
	if _, drops := s.at.strikes(DropAfter); drops {
		return nil, errEnd
	}
	return answer, err
}

// reply wraps the answer as RFC 6241 section 4.2 says.
func (s *session) reply(messageID string, answer ...*node) error {
	var b strings.Builder
	fmt.Fprintf(&b, `<rpc-reply xmlns="%s" message-id="%s">`, baseNamespace, escape(messageID))
	for _, n := range answer {
		n.write(&b)
	}
	b.WriteString("</rpc-reply>")
	return s.send(b.String())
}

func (s *session) send(message string) error {
	_, err := io.WriteString(s.out, message+"\n"+endOfMessage+"\n")
	return err
}

// readMessage reads up to the end-of-message mark of RFC 6242 section 4.3,
// however it was cut into packets.
func readMessage(in *bufio.Reader, limit int) ([]byte, error) {
	var message []byte
	for {
		part, err := in.ReadSlice('>')
		message = append(message, part...)
		switch {
		case len(message) > limit:
			return nil, fmt.Errorf("message longer than %d bytes", limit)
		case bytes.HasSuffix(message, []byte(endOfMessage)):
			return bytes.TrimSpace(message[:len(message)-len(endOfMessage)]), nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
