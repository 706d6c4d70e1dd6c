package dns

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"millwright/internal/metal"
)

const (
	answerLimit = 5 * time.Second // a server that signs its zone and writes a journal first answers well within a second
	usualTTL    = 5 * time.Minute // short, because machines come and go; an address rests longer before its next tenant
)

// Driver speaks to name servers, with a connection of its own for each call;
// of many calls at once some wait their turn. Its zero value lacks only
// Credentials. It is safe for concurrent use, and must not be copied.
type Driver struct {
	Credentials func(ctx context.Context, name string) (metal.Credential, error)
	Timeout     time.Duration // for the server to take the connection, and again for each answer; 5 s if zero

	now   func() time.Time // what the signatures say; the machine's clock if nil
	slots slots
}

// Set makes a name with its addresses, or changes what its owner's name leads
// to: one update, all or nothing. Addresses that it had and that are not named
// here are gone. Where the name is somebody else's, the error is a
// *metal.NameTaken, and nothing was changed. A name that has these very
// addresses already and no owner gets this one.
func (d *Driver) Set(ctx context.Context, zone metal.Zone, record metal.Record) error {
	w, err := forward(zone, record)
	if err != nil {
		return err
	}
	return d.during(ctx, zone, "set "+record.Name, func(s *session) error { return s.set(w) })
}

// SetReverse makes or changes the PTR of an address, in the zone that
// metal.ReverseZone picks. Otherwise it is as Set.
func (d *Driver) SetReverse(ctx context.Context, zone metal.Zone, pointer metal.Pointer) error {
	w, err := reverse(zone, pointer)
	if err != nil {
		return err
	}
	return d.during(ctx, zone, "set the name of "+pointer.Address.String(), func(s *session) error { return s.set(w) })
}

// Remove takes away what Set or SetReverse made for this owner. A name that is
// not there or is somebody else's is left as it is, which is no error: what
// was to be taken away is not there. Other records that people put at the name
// stay.
func (d *Driver) Remove(ctx context.Context, zone metal.Zone, name string, owner metal.Holder) error {
	w, err := nothing(zone, name, owner)
	if err != nil {
		return err
	}
	return d.during(ctx, zone, "remove "+name, func(s *session) error { return s.remove(w) })
}

// RemoveReverse is Remove for the PTR of an address.
func (d *Driver) RemoveReverse(ctx context.Context, zone metal.Zone, addr netip.Addr, owner metal.Holder) error {
	name, err := zone.ReverseName(addr)
	if err != nil {
		return err
	}
	return d.Remove(ctx, zone, name, owner)
}

// Owned lists all names in a zone that Millwright made, by a zone transfer,
// which the server has to allow the key.
func (d *Driver) Owned(ctx context.Context, zone metal.Zone) ([]metal.OwnedName, error) {
	var owned []metal.OwnedName
	err := d.during(ctx, zone, "list", func(s *session) (err error) {
		owned, err = s.owned()
		return err
	})
	return owned, err
}

// during has a conversation with a zone's server, and gives its errors their
// beginning.
func (d *Driver) during(ctx context.Context, zone metal.Zone, doing string, talk func(*session) error) error {
	if err := zone.Check(); err != nil {
		return err
	}
	err := d.converse(ctx, zone, talk)
	if over := ended(ctx); over != nil && err != nil {
		err = over // the closed socket that it became says less
	}
	if err != nil {
		return fmt.Errorf("name server %s: zone %s: %s: %w", zone.Server, zone.Root(), doing, err)
	}
	return nil
}

// ended says how a context ended. A socket with its deadline may time out a
// moment before the context's own timer.
func ended(ctx context.Context) error {
	if at, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(at) {
		return context.DeadlineExceeded
	}
	return context.Cause(ctx)
}

func (d *Driver) converse(ctx context.Context, zone metal.Zone, talk func(*session) error) error {
	leave, err := d.slots.take(ctx)
	if err != nil {
		return err
	}
	defer leave()
	key, err := d.key(ctx, zone)
	if err != nil {
		return err
	}
	client := &dns.Client{Net: "tcp", Timeout: d.timeout(), TsigSecret: key.secrets()}
	conn, err := client.DialContext(ctx, zone.Server)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	return talk(&session{ctx: ctx, client: client, conn: conn.Conn, zone: zone, key: key, now: d.clock()})
}

func (d *Driver) timeout() time.Duration { return cmp.Or(d.Timeout, answerLimit) }

func (d *Driver) clock() func() time.Time {
	if d.now != nil {
		return d.now
	}
	return time.Now
}
