package dns

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"millwright/internal/metal"
)

// owned reads the whole zone (RFC 5936), and keeps what is ours.
func (s *session) owned() ([]metal.OwnedName, error) {
	m := new(dns.Msg)
	m.SetAxfr(dns.Fqdn(s.zone.Root()))
	m.SetTsig(s.key.name, s.key.algorithm, fudge, s.now().Unix())
	transfer := &dns.Transfer{Conn: &dns.Conn{Conn: s.conn}, ReadTimeout: s.client.Timeout, WriteTimeout: s.client.Timeout, TsigSecret: s.key.secrets()}
	parts, err := transfer.In(m, s.zone.Server)
	if err != nil {
		return nil, fmt.Errorf("ask for a transfer: %w", err)
	}
	var names []metal.OwnedName
	for part := range parts {
		if err == nil && part.Error != nil {
			err = fmt.Errorf("transfer to key %s: %w; allow it on the server, as with allow-transfer", s.key.name, part.Error)
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
