package dns

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"millwright/internal/metal"
)

// owned reads the whole zone (RFC 5936), and keeps what is ours. It asks for
// the zone's SOA first, because the answer to that tells a wrong key from a
// wrong zone, which the library's transfer does not.
func (s *session) owned() ([]metal.OwnedName, error) {
	root := wish{name: dns.Fqdn(s.zone.Root()), kinds: []uint16{dns.TypeSOA}}
	if _, err := s.look(root); err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	m.SetAxfr(root.name)
	m.SetTsig(s.key.name, s.key.algorithm, fudge, s.now().Unix())
	transfer := &dns.Transfer{Conn: &dns.Conn{Conn: s.conn}, ReadTimeout: s.client.Timeout, WriteTimeout: s.client.Timeout, TsigSecret: s.key.secrets()}
	parts, err := transfer.In(m, s.zone.Server)
	if err != nil {
		return nil, fmt.Errorf("ask for a transfer: %w", err)
	}
	var names []metal.OwnedName
	for part := range parts {
		if err == nil && part.Error != nil {
			err = s.refusedTransfer(part.Error)
		}
		for _, rr := range part.RR {
			if who, ok := owner(rr); ok {
				names = append(names, metal.OwnedName{Name: strings.ToLower(strings.TrimSuffix(rr.Header().Name, ".")), Owner: who})
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return names, nil
}

// refusedTransfer finds a refusal, which the library gives as a text alone.
func (s *session) refusedTransfer(err error) error {
	if err.Error() == fmt.Sprintf("dns: bad xfr rcode: %d", dns.RcodeRefused) {
		return fmt.Errorf("key %s may not transfer this zone (REFUSED); allow it on the server, as with allow-transfer: %w", s.key.name, metal.ErrBadCredentials)
	}
	return fmt.Errorf("transfer: %w", err)
}
