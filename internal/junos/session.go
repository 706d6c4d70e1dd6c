package junos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/Juniper/go-netconf/netconf"

	"millwright/internal/metal"
)

// partingLimit is for unlock and close-session: courtesies that nobody should
// wait for, because the switch does both when the connection closes.
const partingLimit = 5 * time.Second

// session is one NETCONF session. After anything but an answer it is dropped:
// what a later reply belongs to could not be known.
type session struct {
	ctx       context.Context
	sw        metal.Switch
	log       *slog.Logger
	login     *login
	netconf   *netconf.Session
	transport *transport
	limit     time.Duration // of one rpc
	lost      error         // why it was dropped
	secrets   []string      // in what this session says; no error repeats them
}

// open logs in, starts the netconf subsystem and exchanges hellos.
func (d *Driver) open(ctx context.Context, sw metal.Switch) (*session, error) {
	who, err := d.Credentials(ctx, sw.Credential)
	if err != nil {
		return nil, fmt.Errorf("switch %s: credential %q: %w", sw.ID, sw.Credential, err)
	}
	l, err := connect(ctx, sw, who, d.timeout())
	if err != nil {
		return nil, fmt.Errorf("switch %s at %s: log in: %w", sw.ID, sw.Address, err)
	}
	s := &session{ctx: ctx, sw: sw, login: l, limit: d.timeout(), log: d.log().With("switch", sw.ID)}
	if err := s.start(); err != nil {
		l.close()
		return nil, fmt.Errorf("switch %s at %s: start netconf: %w", sw.ID, sw.Address, because(ctx, err))
	}
	_ = l.conn.SetDeadline(time.Time{})
	return s, nil
}

// start runs under the deadline that the login began with.
func (s *session) start() error {
	channel, err := s.login.client.NewSession()
	if err != nil {
		return err
	}
	out, err := channel.StdinPipe()
	if err != nil {
		return err
	}
	in, err := channel.StdoutPipe()
	if err != nil {
		return err
	}
	if err := channel.RequestSubsystem("netconf"); err != nil {
		return err
	}
	return s.greet(in, out)
}

func (s *session) greet(in io.Reader, out io.WriteCloser) error {
	s.transport = newTransport(in, out)
	s.netconf = netconf.NewSession(s.transport)
	return s.transport.hello
}

// because names the end of ctx as the cause, where it is: what the closed
// connection says of itself then helps nobody.
func because(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

// speaksJunos tells whether Junos's own operations are understood.
func (s *session) speaksJunos() bool { return slices.Contains(s.transport.offers, junosProtocol) }

// rpc runs one operation within the session's limit.
func (s *session) rpc(operation *element) (*element, error) {
	return s.rpcWithin(s.limit, operation)
}

// rpcWithin runs one operation and gives its reply. Where an error leaves the
// session's lost unset it is the switch's answer; else the session is gone, and
// whether the operation took effect is unknown.
func (s *session) rpcWithin(limit time.Duration, operation *element) (*element, error) {
	if s.lost != nil {
		return nil, s.lost
	}
	// Absolute, on the connection: Exec itself waits for ever.
	_ = s.login.conn.SetDeadline(time.Now().Add(limit))
	reply, err := s.exec(operation)
	if err != nil {
		s.lost = fmt.Errorf("switch %s at %s: %s: session lost: %w",
			s.sw.ID, s.sw.Address, operation.name, because(s.ctx, err))
		s.login.close()
		return nil, s.lost
	}
	_ = s.login.conn.SetDeadline(time.Time{}) // what is between two operations is not the switch's time
	refused, warnings := rpcErrors(reply)
	for _, e := range append(refused, warnings...) {
		e.redact(s.secrets)
	}
	for _, w := range warnings {
		s.log.Warn("switch warns", "operation", operation.name, "warning", w.Error())
	}
	if len(refused) == 0 {
		return reply, nil
	}
	return nil, fmt.Errorf("switch %s at %s: %s: %w", s.sw.ID, s.sw.Address, operation.name, meaning(operation.name, joined(refused)))
}

// exec sends the operation through go-netconf and checks what that does not:
// that the reply is one, and the one to this request. Of rpc-errors go-netconf
// finds some and then keeps the reply to itself, so the reply is read anew.
func (s *session) exec(operation *element) (*element, error) {
	_, err := s.netconf.Exec(netconf.RawMethod(operation.String()))
	var answered *netconf.RPCError
	if err != nil && !errors.As(err, &answered) {
		return nil, err
	}
	reply, err := parse(s.transport.received)
	if err != nil {
		return nil, err
	}
	if reply.name != "rpc-reply" {
		return nil, fmt.Errorf("%q instead of an rpc-reply", reply.name)
	}
	if asked := messageID(s.transport.sent); reply.messageID != asked {
		return nil, fmt.Errorf("reply to message %q, want %q", reply.messageID, asked)
	}
	return reply, nil
}

// joined is the first refusal with the words of the others: the first one
// decides what it means.
func joined(refused []*RPCError) *RPCError {
	all := *refused[0]
	for _, r := range refused[1:] {
		all.Message += "; " + r.Error()
	}
	return &all
}

// close leaves politely if the switch still answers, and in any case.
func (s *session) close() {
	_, _ = s.rpcWithin(min(partingLimit, s.limit), bare("close-session"))
	s.login.close()
}
