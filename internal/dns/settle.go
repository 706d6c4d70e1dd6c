package dns

import (
	"fmt"

	"github.com/miekg/dns"
)

// rounds of looking and writing. An update is refused where something changed
// between the two; twice in a row is rare, thrice is a quarrel with another
// writer, which time has to settle.
const rounds = 4

// set looks, and writes if it has to, until a look shows what was wished.
func (s *session) set(w wish) error {
	wrote, blocked := false, 0
	for range rounds {
		have, err := s.look(w)
		if err != nil {
			return err
		}
		mine := have.owner() == w.owner
		switch {
		case mine && have.has(w, !wrote):
			return nil
		case have.empty() && blocked > 1:
			return have.taken(w) // in use, and not by what we look for; once, it may have been given back since
		case !mine && !have.empty() && !have.unowned(w):
			return have.taken(w)
		}
		done, err := s.update(w, have, s.write)
		if err != nil {
			return err
		}
		wrote = wrote || done
		if !done && have.empty() {
			blocked++
		}
	}
	return fmt.Errorf("it still does not read back as set after %d rounds; who else writes there", rounds)
}

// remove looks, and removes what is its owner's, until a look shows that
// nothing is.
func (s *session) remove(w wish) error {
	for range rounds {
		have, err := s.look(w)
		if err != nil || have.owner() != w.owner {
			return err
		}
		if _, err := s.update(w, have, s.clear); err != nil {
			return err
		}
	}
	return fmt.Errorf("it is still there after %d rounds; who else writes there", rounds)
}

// write replaces what is found by what is wished.
func (s *session) write(m *dns.Msg, w wish, have found) {
	s.clear(m, w, have)
	m.Insert([]dns.RR{dns.Copy(w.mark)})
	for _, rr := range w.rrs {
		m.Insert([]dns.RR{dns.Copy(rr)})
	}
}

// clear removes the records of a wish's types and its own mark. People's TXT
// records stay.
func (s *session) clear(m *dns.Msg, w wish, have found) {
	for _, kind := range w.kinds {
		if len(have.sets[kind]) > 0 {
			m.RemoveRRset(have.sets[kind][:1])
		}
	}
	if have.owner() == w.owner {
		m.Remove([]dns.RR{dns.Copy(w.mark)})
	}
}

// update sends one change on the condition that all is as it was found. It
// returns false where that is so no longer.
func (s *session) update(w wish, have found, change func(*dns.Msg, wish, found)) (bool, error) {
	m := new(dns.Msg)
	m.SetUpdate(dns.Fqdn(s.zone.Root()))
	have.unchanged(m, w)
	change(m, w, have)
	r, err := s.ask(m)
	if err != nil {
		return false, err
	}
	switch r.Rcode {
	case dns.RcodeSuccess:
		return true, nil
	case dns.RcodeNameError, dns.RcodeYXDomain, dns.RcodeYXRrset, dns.RcodeNXRrset: // RFC 2136 section 3.2
		return false, nil
	}
	return false, s.refusedUpdate(r.Rcode)
}
