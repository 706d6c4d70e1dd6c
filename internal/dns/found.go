package dns

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"millwright/internal/metal"
)

// found is what a server says of one name: the records of a wish's types and
// the TXT records.
type found struct {
	sets  map[uint16][]dns.RR
	alias string // where a CNAME leads
}

func (f found) empty() bool {
	for _, set := range f.sets {
		if len(set) > 0 {
			return false
		}
	}
	return f.alias == ""
}

// owner says whose a name is; empty where no record of ours says it.
func (f found) owner() metal.Holder {
	for _, rr := range f.sets[dns.TypeTXT] {
		if who, ok := owner(rr); ok {
			return who
		}
	}
	return ""
}

// has tells whether a wish's records stand there, and no others of their
// types. A TTL is compared only where it is asked for: a server may have
// limits of its own, and then no write would ever read back.
func (f found) has(w wish, withTTL bool) bool {
	n := 0
	for _, kind := range w.kinds {
		n += len(f.sets[kind])
	}
	if n != len(w.rrs) {
		return false
	}
	for _, want := range w.rrs {
		have := match(f.sets[want.Header().Rrtype], want)
		if have == nil || withTTL && have.Header().Ttl != want.Header().Ttl {
			return false
		}
	}
	return true
}

// unowned says that a wish's records stand there, and nobody's mark.
func (f found) unowned(w wish) bool {
	return f.owner() == "" && f.alias == "" && f.has(w, false)
}

func match(set []dns.RR, want dns.RR) dns.RR {
	for _, rr := range set {
		if dns.IsDuplicate(rr, want) {
			return rr
		}
	}
	return nil
}

// unchanged are the prerequisites of an update: all is as it was found (RFC
// 2136 sections 2.4.2 and 2.4.3). Where nothing was found, nothing of any type
// may be there (2.4.5): what we did not look for is somebody's, too.
func (f found) unchanged(m *dns.Msg, w wish) {
	if f.empty() {
		m.NameNotUsed([]dns.RR{w.mark})
		return
	}
	for _, kind := range append([]uint16{dns.TypeTXT}, w.kinds...) {
		if len(f.sets[kind]) == 0 {
			m.RRsetNotUsed([]dns.RR{&dns.ANY{Hdr: dns.RR_Header{Name: w.name, Rrtype: kind}}})
			continue
		}
		for _, rr := range f.sets[kind] {
			m.Used([]dns.RR{dns.Copy(rr)}) // a copy, because it loses its TTL there
		}
	}
}

// taken says what stands at a name that is not its asker's.
func (f found) taken(w wish) error {
	var what []string
	if f.alias != "" {
		what = append(what, "an alias for "+f.alias)
	}
	for _, kind := range append(w.kinds, dns.TypeTXT) {
		if n := len(f.sets[kind]); n > 0 {
			what = append(what, fmt.Sprintf("%d %s", n, dns.TypeToString[kind]))
		}
	}
	if what == nil {
		what = []string{"records of other types"}
	}
	return &metal.NameTaken{Name: strings.TrimSuffix(w.name, "."), By: f.owner(), What: strings.Join(what, " and ")}
}
