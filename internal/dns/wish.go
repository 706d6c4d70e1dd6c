package dns

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"millwright/internal/metal"
)

// wish is what shall stand at one name: of each of these types these records
// and no others, or no record where none is given. Records of other types at
// the name are not looked at.
type wish struct {
	name  string // absolute
	kinds []uint16
	rrs   []dns.RR
	owner metal.Holder
	mark  *dns.TXT // says whose it is
}

var (
	forwardKinds = []uint16{dns.TypeA, dns.TypeAAAA}
	reverseKinds = []uint16{dns.TypePTR}
)

func forward(zone metal.Zone, record metal.Record) (wish, error) {
	name, err := metal.FullName(record.Name)
	if err != nil {
		return wish{}, err
	}
	if !zone.Contains(name) {
		return wish{}, fmt.Errorf("zone %s: name %s is not below it: %w", zone.Root(), name, metal.ErrInvalidName)
	}
	if len(record.Addresses) == 0 {
		return wish{}, fmt.Errorf("name %s: no address to lead to; remove it instead: %w", name, metal.ErrInvalidName)
	}
	w, err := newWish(zone, name, forwardKinds, record.Owner)
	for _, addr := range record.Addresses {
		if err == nil {
			err = w.add(zone, addr)
		}
	}
	w.rrs = dns.Dedup(w.rrs, nil)
	return w, err
}

// add takes an address in; one with an IPv6 zone (fe80::1%eth0) means
// something on its own host alone.
func (w *wish) add(zone metal.Zone, addr netip.Addr) error {
	addr = addr.Unmap()
	switch {
	case !addr.IsValid() || addr.Zone() != "" || addr.IsUnspecified() || addr.IsMulticast():
		return fmt.Errorf("name %s: %s is no address that a name can lead to: %w", strings.TrimSuffix(w.name, "."), addr, metal.ErrInvalidName)
	case addr.Is4():
		w.rrs = append(w.rrs, &dns.A{Hdr: header(zone, w.name, dns.TypeA), A: addr.AsSlice()})
	default:
		w.rrs = append(w.rrs, &dns.AAAA{Hdr: header(zone, w.name, dns.TypeAAAA), AAAA: addr.AsSlice()})
	}
	return nil
}

func reverse(zone metal.Zone, p metal.Pointer) (wish, error) {
	name, err := zone.ReverseName(p.Address)
	if err != nil {
		return wish{}, err
	}
	target, err := metal.FullName(p.Name)
	if err != nil {
		return wish{}, fmt.Errorf("name of %s: %w", p.Address, err)
	}
	w, err := newWish(zone, name, reverseKinds, p.Owner)
	w.rrs = []dns.RR{&dns.PTR{Hdr: header(zone, w.name, dns.TypePTR), Ptr: dns.Fqdn(target)}}
	return w, err
}

// nothing is the wish that a name of this owner is gone. What a zone is for
// says which records there are ours.
func nothing(zone metal.Zone, name string, owner metal.Holder) (wish, error) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if _, ok := dns.IsDomainName(name); !ok || !zone.Contains(name) {
		return wish{}, fmt.Errorf("zone %s: name %q is not below it: %w", zone.Root(), name, metal.ErrInvalidName)
	}
	if _, ok := zone.Reverse(); ok {
		return newWish(zone, name, reverseKinds, owner)
	}
	return newWish(zone, name, forwardKinds, owner)
}

func newWish(zone metal.Zone, name string, kinds []uint16, owner metal.Holder) (wish, error) {
	text, err := heritage(owner)
	if err != nil {
		return wish{}, fmt.Errorf("name %s: %w", name, err)
	}
	w := wish{name: dns.Fqdn(name), kinds: kinds, owner: owner}
	w.mark = &dns.TXT{Hdr: header(zone, w.name, dns.TypeTXT), Txt: []string{text}}
	return w, nil
}

func header(zone metal.Zone, name string, kind uint16) dns.RR_Header {
	ttl := cmp.Or(zone.TTL, usualTTL) / time.Second
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: uint32(ttl)}
}
