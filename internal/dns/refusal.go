package dns

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"millwright/internal/metal"
)

// refusedKey reads what a server holds against our signature (RFC 8945 section
// 5.2); nil where it holds nothing against it.
func (s *session) refusedKey(r *dns.Msg, sent time.Time) error {
	t := r.IsTsig()
	if t == nil {
		return nil
	}
	switch t.Error {
	case dns.RcodeSuccess:
		return nil
	case dns.RcodeBadKey:
		return fmt.Errorf("it has no key %s for %s (BADKEY); compare credential %s with its configuration: %w",
			s.key.name, s.zone.TSIG(), s.zone.Credential, metal.ErrBadCredentials)
	case dns.RcodeBadSig, dns.RcodeBadTrunc:
		return fmt.Errorf("its key %s has another secret or another algorithm than %s (%s); compare credential %s with its configuration: %w",
			s.key.name, s.zone.TSIG(), dns.RcodeToString[int(t.Error)], s.zone.Credential, metal.ErrBadCredentials)
	case dns.RcodeBadTime: // weather: clocks get set
		return fmt.Errorf("its clock differs from ours by %s, more than %d s (BADTIME); set both by NTP", skew(t, sent), fudge)
	}
	return fmt.Errorf("it refuses our signature with TSIG error %d", t.Error)
}

// skew is how far ahead a server's clock is; BADTIME comes with 48 bits of it
// (RFC 8945 section 5.2.3).
func skew(t *dns.TSIG, sent time.Time) string {
	b, err := hex.DecodeString(t.OtherData)
	if err != nil || len(b) != 6 {
		return "an unknown time"
	}
	var seconds int64
	for _, octet := range b {
		seconds = seconds<<8 | int64(octet)
	}
	return time.Unix(seconds, 0).Sub(sent).Round(time.Second).String()
}

// refusedUpdate reads why a server did not do an update whose signature it
// took.
func (s *session) refusedUpdate(rcode int) error {
	name := dns.RcodeToString[rcode]
	switch rcode {
	case dns.RcodeRefused:
		return fmt.Errorf("key %s may not update this name (%s); allow it on the server, as with allow-update or update-policy: %w", s.key.name, name, metal.ErrBadCredentials)
	case dns.RcodeNotAuth, dns.RcodeNotZone, dns.RcodeNotImplemented, dns.RcodeFormatError:
		return fmt.Errorf("it is not the primary of this zone, or takes no updates at all (%s): %w", name, metal.ErrBadZone)
	}
	return fmt.Errorf("update: it answers %s", name) // SERVFAIL: a full disk, a zone that is being loaded
}

// refusedQuestion reads why a server did not answer a question; nil where it
// did. Only a server that has the zone itself is asked, so an answer from its
// memory or a hint where to go is none.
func (s *session) refusedQuestion(r *dns.Msg) error {
	name := dns.RcodeToString[r.Rcode]
	switch {
	case r.Rcode == dns.RcodeRefused || r.Rcode == dns.RcodeNotAuth:
		return fmt.Errorf("it does not serve this zone, or not to key %s (%s): %w", s.key.name, name, metal.ErrBadZone)
	case r.Rcode != dns.RcodeSuccess && r.Rcode != dns.RcodeNameError:
		return fmt.Errorf("ask: it answers %s", name)
	case !r.Authoritative:
		return fmt.Errorf("it does not serve this zone, or has delegated the name to others (no authoritative answer): %w", metal.ErrBadZone)
	}
	return nil
}
