package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"

	"millwright/internal/metal"
)

// fudge is by how much our clock and the server's may differ: what RFC 8945
// section 10 recommends.
const fudge = 300

// session is one connection to the server of a zone.
type session struct {
	ctx    context.Context // of the one call that the session is for
	client *dns.Client
	conn   net.Conn
	zone   metal.Zone
	key    key
	now    func() time.Time
}

// look asks what stands at a wish's name.
func (s *session) look(w wish) (found, error) {
	f := found{sets: map[uint16][]dns.RR{}}
	for _, kind := range append([]uint16{dns.TypeTXT}, w.kinds...) {
		m := new(dns.Msg)
		m.SetQuestion(w.name, kind)
		m.RecursionDesired = false
		r, err := s.ask(m)
		if err != nil {
			return f, err
		}
		if err := s.refusedQuestion(r); err != nil {
			return f, err
		}
		f.take(r, kind)
	}
	return f, nil
}

func (f *found) take(r *dns.Msg, kind uint16) {
	for _, rr := range r.Answer {
		if !strings.EqualFold(rr.Header().Name, r.Question[0].Name) {
			continue // where an alias leads
		}
		if rr.Header().Rrtype == kind {
			f.sets[kind] = append(f.sets[kind], rr)
		}
		if alias, ok := rr.(*dns.CNAME); ok {
			f.alias = strings.TrimSuffix(alias.Target, ".")
		}
	}
}

// ask sends one signed message and returns the answer to it, once its
// signature is found to be the server's. What the answer says is for the
// caller to judge, unless it says that our own signature is no good.
func (s *session) ask(m *dns.Msg) (*dns.Msg, error) {
	sent := s.now()
	m.SetTsig(s.key.name, s.key.algorithm, fudge, sent.Unix())
	// The library signs a connection's second message as a continuation of its
	// first, which only answers are: each message gets a connection of its own,
	// as the library sees it.
	r, _, err := s.client.ExchangeWithConnContext(s.ctx, m, &dns.Conn{Conn: s.conn})
	if r != nil && r.Id == m.Id {
		// A server that cannot check our signature cannot sign its answer:
		// this comes before the check of its own, which then fails.
		if refused := s.refusedKey(r, sent); refused != nil {
			return nil, refused
		}
	}
	if errors.Is(err, dns.ErrAuth) {
		err = nil // the library's word for rcode NOTAUTH, which says the same and needs no proof
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", asked(m), err)
	case r.IsTsig() == nil && r.Rcode == dns.RcodeSuccess:
		return nil, fmt.Errorf("%s: the answer is not signed", asked(m))
	case r.Truncated:
		return nil, fmt.Errorf("%s: the answer is cut short, in spite of TCP", asked(m))
	case len(r.Question) != 1 && r.Opcode == dns.OpcodeQuery && r.Rcode == dns.RcodeSuccess:
		return nil, errors.New(asked(m) + ": the answer repeats no question")
	}
	return r, nil
}

func asked(m *dns.Msg) string {
	if m.Opcode == dns.OpcodeUpdate {
		return "update"
	}
	return "ask for " + dns.TypeToString[m.Question[0].Qtype]
}
