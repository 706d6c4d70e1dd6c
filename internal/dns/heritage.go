package dns

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"millwright/internal/metal"
)

// ours begins the TXT record beside each name that we make, in the manner of
// Kubernetes' external-dns. It stands in zones, so it never changes.
const ours = "heritage=millwright,"

// heritage writes an owner, "device/<id>", as "heritage=millwright,device=<id>".
// It has to be one string of a TXT record (RFC 1035 section 3.3: 255 octets),
// of characters that need no escape in any zone file.
func heritage(owner metal.Holder) (string, error) {
	kind, id, ok := strings.Cut(string(owner), "/")
	text := ours + kind + "=" + id
	plain := func(r rune) bool { return r > ' ' && r < 0x7f && !strings.ContainsRune(`"\;`, r) }
	if !ok || kind == "" || id == "" || len(text) > 255 || strings.Contains(kind, "=") || strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return "", fmt.Errorf("owner %q: want kind/id, as in device/<id>, in plain characters: %w", owner, metal.ErrInvalidName)
	}
	return text, nil
}

// owner reads a TXT record that heritage wrote; false for all others.
func owner(rr dns.RR) (metal.Holder, bool) {
	txt, ok := rr.(*dns.TXT)
	if !ok {
		return "", false
	}
	text, ok := strings.CutPrefix(strings.Join(txt.Txt, ""), ours)
	kind, id, cut := strings.Cut(text, "=")
	return metal.Holder(kind + "/" + id), ok && cut
}
