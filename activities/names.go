package activities

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"millwright/internal/metal"
)

// Names brings what stands in the DNS to what is held.
type Names struct {
	Store NameStore
	DNS   NameServer
}

// NameStore keeps whose names should be which, and which were made.
type NameStore interface {
	Naming(ctx context.Context, owner metal.Holder) (metal.Naming, error)
	// NoteName comes before the server is asked.
	NoteName(ctx context.Context, owner metal.Holder, name metal.ZoneName) error
	DropName(ctx context.Context, n metal.Naming, name metal.ZoneName) error
	NamesSettled(ctx context.Context, n metal.Naming) error
	OwnersDue(ctx context.Context, age time.Duration, most int) ([]metal.Holder, error)
}

// NameServer takes updates of its zones.
type NameServer interface {
	Set(ctx context.Context, zone metal.Zone, record metal.Record) error
	SetReverse(ctx context.Context, zone metal.Zone, pointer metal.Pointer) error
	Remove(ctx context.Context, zone metal.Zone, name string, owner metal.Holder) error
}

// BringNamesInput names whose names may differ from what they hold.
type BringNamesInput struct {
	Owner metal.Holder
}

// BringNamesResult lists the names that the owner has now.
type BringNamesResult struct {
	Names []string
}

// BringNames makes an owner's names, forwards and backwards, and takes away
// those that it should not have any more: all of them, once it holds nothing.
func (a *Names) BringNames(ctx context.Context, in BringNamesInput) (BringNamesResult, error) {
	defer beat(ctx)()
	names, err := a.bring(ctx, in.Owner)
	return BringNamesResult{Names: names}, classify(err)
}

// BringDueNamesInput is empty.
type BringDueNamesInput struct{}

// BringDueNamesResult counts the owners that were seen to.
type BringDueNamesResult struct {
	Owners int
	Failed []string // with why
}

const (
	// dueFor is how long a run may take to bring the names of its device
	// before somebody else does.
	dueFor = 30 * time.Second
	// dueAtOnce bounds one pass; the next one takes the rest.
	dueAtOnce = 100
	// enough failures in one pass say that a name server is away.
	enough = 3
)

// BringDueNames brings the names that no run has brought: a name server was
// away, a run was lost, a tenant chose another name. One that cannot be brought
// does not keep the others waiting.
func (a *Names) BringDueNames(ctx context.Context, _ BringDueNamesInput) (BringDueNamesResult, error) {
	defer beat(ctx)()
	var result BringDueNamesResult
	owners, err := a.Store.OwnersDue(ctx, dueFor, dueAtOnce)
	for _, owner := range owners {
		if _, err := a.bring(ctx, owner); err != nil {
			result.Failed = append(result.Failed, fmt.Sprintf("%s: %v", owner, err))
		}
		if ctx.Err() != nil || len(result.Failed) == enough {
			break
		}
		result.Owners++
	}
	return result, classify(err)
}

func (a *Names) bring(ctx context.Context, owner metal.Holder) ([]string, error) {
	n, err := a.Store.Naming(ctx, owner)
	if err != nil {
		return nil, err
	}
	kept, err := a.make(ctx, n)
	if err != nil {
		return nil, err
	}
	for _, old := range n.Recorded {
		if slices.ContainsFunc(kept, func(k metal.ZoneName) bool { return k.Zone == old.Zone && k.Name == old.Name }) {
			continue // made, or changed to what it should be
		}
		if err := a.remove(ctx, n, old); err != nil {
			return nil, err
		}
	}
	var names []string
	for _, k := range kept {
		names = append(names, k.Name)
	}
	return names, a.Store.NamesSettled(ctx, n)
}

// make makes all names that the owner should have, and lists them.
func (a *Names) make(ctx context.Context, n metal.Naming) ([]metal.ZoneName, error) {
	called := map[netip.Addr]string{} // by our own choice
	forwards, err := a.forwards(ctx, n, called)
	if err != nil {
		return nil, err
	}
	backwards, err := a.backwards(ctx, n, called)
	return append(forwards, backwards...), err
}

func (a *Names) forwards(ctx context.Context, n metal.Naming, called map[netip.Addr]string) ([]metal.ZoneName, error) {
	var kept []metal.ZoneName
	if len(n.Addresses) == 0 {
		return nil, nil
	}
	for _, zone := range n.Zones {
		if _, reverse := zone.Reverse(); reverse {
			continue
		}
		wanted, err := records(n, zone)
		if err != nil {
			return nil, err
		}
		for _, r := range wanted {
			name, err := a.forward(ctx, n, zone, r)
			if err != nil {
				return nil, err
			}
			kept = append(kept, metal.ZoneName{Zone: zone.Name, Name: name})
			for _, address := range r.addresses {
				called[address] = name
			}
		}
	}
	return kept, nil
}

// backwards makes a PTR of each address: what its project chose, or else its
// own name.
func (a *Names) backwards(ctx context.Context, n metal.Naming, called map[netip.Addr]string) ([]metal.ZoneName, error) {
	var kept []metal.ZoneName
	for _, address := range n.Addresses {
		target := n.Pointers[address]
		if target == "" {
			target = called[address]
		}
		zone, known := metal.ReverseZone(n.Zones, address)
		if !known || target == "" {
			continue
		}
		made, err := a.backward(ctx, n, zone, metal.Pointer{Address: address, Name: target, Owner: n.Owner})
		if err != nil {
			return nil, err
		}
		kept = append(kept, made)
	}
	return kept, nil
}

// forward makes the first name of some that is nobody else's.
func (a *Names) forward(ctx context.Context, n metal.Naming, zone metal.Zone, r wantedRecord) (string, error) {
	var taken error
	for _, name := range r.names {
		note := metal.ZoneName{Zone: zone.Name, Name: name}
		if err := a.Store.NoteName(ctx, n.Owner, note); err != nil {
			return "", err
		}
		err := a.DNS.Set(ctx, zone, metal.Record{Name: name, Addresses: r.addresses, Owner: n.Owner})
		if !errors.Is(err, metal.ErrNameTaken) {
			return name, err
		}
		taken = err
		if err := a.Store.DropName(ctx, n, note); err != nil {
			return "", err
		}
	}
	return "", taken
}

// backward makes the PTR of an address. One that is left of whoever had the
// address before is taken away first: the address is this owner's.
func (a *Names) backward(ctx context.Context, n metal.Naming, zone metal.Zone, p metal.Pointer) (metal.ZoneName, error) {
	name, err := zone.ReverseName(p.Address)
	if err != nil {
		return metal.ZoneName{}, err
	}
	note := metal.ZoneName{Zone: zone.Name, Name: name, Address: p.Address, Target: p.Name}
	if err := a.Store.NoteName(ctx, n.Owner, note); err != nil {
		return note, err
	}
	err = a.DNS.SetReverse(ctx, zone, p)
	var taken *metal.NameTaken
	if errors.As(err, &taken) && taken.By != "" && taken.By != n.Owner {
		if err := a.DNS.Remove(ctx, zone, name, taken.By); err != nil {
			return note, err
		}
		err = a.DNS.SetReverse(ctx, zone, p)
	}
	return note, err
}

func (a *Names) remove(ctx context.Context, n metal.Naming, old metal.ZoneName) error {
	i := slices.IndexFunc(n.Zones, func(z metal.Zone) bool { return z.Name == old.Zone })
	if i >= 0 { // a zone that we no longer have is not ours to clean
		if err := a.DNS.Remove(ctx, n.Zones[i], old.Name, n.Owner); err != nil {
			return err
		}
	}
	return a.Store.DropName(ctx, n, old)
}

// wantedRecord is a name that addresses should have: the first of some that can
// be had.
type wantedRecord struct {
	names     []string
	addresses []netip.Addr
}

// records are an owner's names in a zone: a device has one for all its
// addresses, a reservation one for each.
func records(n metal.Naming, zone metal.Zone) ([]wantedRecord, error) {
	if n.Device != "" {
		names, err := metal.DeviceNames(n.Hostname, n.Device, n.Project, zone.Root())
		return []wantedRecord{{names, n.Addresses}}, err
	}
	var all []wantedRecord
	for _, address := range n.Addresses {
		name, err := metal.AddressName(address, n.Project, zone.Root())
		if err != nil {
			return nil, err
		}
		all = append(all, wantedRecord{[]string{name}, []netip.Addr{address}})
	}
	return all, nil
}
