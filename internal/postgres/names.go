package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// namedAtMost is how large a reservation may be whose every address gets a name
// by itself; of a larger one the project names those that it likes.
const namedAtMost = 16

// Naming is what an owner's names should be, and which it has: of a device
// while it is active, of a reservation while it lasts.
func (s *Store) Naming(ctx context.Context, owner metal.Holder) (metal.Naming, error) {
	var n metal.Naming
	err := s.in(ctx, func(q *query.Queries) (err error) {
		n, err = naming(ctx, q, owner)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("names of %s: %w", owner, err)
	}
	return n, nil
}

func naming(ctx context.Context, q *query.Queries, owner metal.Holder) (metal.Naming, error) {
	n := metal.Naming{Owner: owner, Pointers: map[netip.Addr]string{}}
	var err error
	if n.Due, err = q.NamesDue(ctx, string(owner)); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return n, err
	}
	site := ""
	if id, ok := strings.CutPrefix(string(owner), metal.DeviceHolder); ok {
		site, err = deviceNaming(ctx, q, id, &n)
	} else {
		site, err = reservationNaming(ctx, q, strings.TrimPrefix(string(owner), metal.ReservationHolder), &n)
	}
	if err != nil {
		return n, err
	}
	if n.Zones, err = zones(ctx, q, site); err != nil {
		return n, err
	}
	rows, err := q.NamesOf(ctx, string(owner))
	for _, r := range rows {
		name := metal.ZoneName{Zone: r.Zone, Name: r.Name}
		if r.Address != nil && r.Target != nil {
			name.Address, name.Target = *r.Address, *r.Target
		}
		n.Recorded = append(n.Recorded, name)
	}
	return n, err
}

func deviceNaming(ctx context.Context, q *query.Queries, id string, n *metal.Naming) (site string, err error) {
	d, err := q.NamedDevice(ctx, id)
	if err != nil {
		return "", fmt.Errorf("device %s: %w", id, err)
	}
	n.Device, n.Project = metal.DeviceID(d.ID), metal.ProjectID(d.Project)
	gone := []metal.DeviceState{metal.Queued, metal.Provisioning, metal.Deprovisioning, metal.Deleted}
	if slices.Contains(gone, metal.DeviceState(d.State)) {
		return d.Site, nil
	}
	n.Hostname = d.Hostname
	links, err := q.PublicLinks(ctx, id)
	var prefixes []netip.Prefix
	for _, l := range links {
		address := metal.Link{Prefix: l.Prefix}.Machine()
		if l.Prefix.IsSingleIP() {
			address = l.Prefix.Addr()
		}
		n.Addresses = append(n.Addresses, address)
		prefixes = append(prefixes, netip.PrefixFrom(address, address.BitLen()))
	}
	if err != nil {
		return "", err
	}
	return d.Site, pointersIn(ctx, q, prefixes, n)
}

func reservationNaming(ctx context.Context, q *query.Queries, id string, n *metal.Naming) (site string, err error) {
	r, err := q.NamedReservation(ctx, id)
	if err != nil {
		return "", fmt.Errorf("reservation %s: %w", id, err)
	}
	n.Project = metal.ProjectID(r.Project)
	if r.Site != nil {
		site = *r.Site
	}
	if r.State != "created" {
		return site, nil
	}
	if err := pointersIn(ctx, q, []netip.Prefix{*r.Prefix}, n); err != nil {
		return site, err
	}
	if r.Prefix.Addr().BitLen()-r.Prefix.Bits() > 4 { // more than namedAtMost
		for address := range n.Pointers {
			n.Addresses = append(n.Addresses, address)
		}
		slices.SortFunc(n.Addresses, netip.Addr.Compare)
		return site, nil
	}
	for a := r.Prefix.Addr(); r.Prefix.Contains(a) && len(n.Addresses) < namedAtMost; a = a.Next() {
		n.Addresses = append(n.Addresses, a)
	}
	return site, nil
}

func pointersIn(ctx context.Context, q *query.Queries, prefixes []netip.Prefix, n *metal.Naming) error {
	rows, err := q.PointersIn(ctx, query.PointersInParams{Prefixes: notNil(prefixes), Project: string(n.Project)})
	for _, r := range rows {
		n.Pointers[r.Address] = r.Name
	}
	return err
}

func zones(ctx context.Context, q *query.Queries, site string) ([]metal.Zone, error) {
	rows, err := q.ZonesOf(ctx, site)
	all := make([]metal.Zone, len(rows))
	for i, r := range rows {
		all[i] = metal.Zone{Name: r.Name, Server: r.Server, Credential: r.Credential, Algorithm: r.Algorithm, TTL: r.Ttl}
		if r.Addresses != nil {
			all[i].Addresses = *r.Addresses
		}
	}
	return all, err
}

// NoteName writes a name down before its server is asked to make it.
func (s *Store) NoteName(ctx context.Context, owner metal.Holder, name metal.ZoneName) error {
	row := query.NoteNameParams{Zone: name.Zone, Name: name.Name, Owner: string(owner)}
	if name.Address.IsValid() {
		row.Address, row.Target = &name.Address, &name.Target
	}
	if err := s.Queries().NoteName(ctx, row); err != nil {
		return fmt.Errorf("name %s of %s: write it down: %w", name.Name, owner, err)
	}
	return nil
}

// DropName forgets a name that its server no longer has, and with a PTR what
// its project chose for that address: the choice ends with the lease.
func (s *Store) DropName(ctx context.Context, n metal.Naming, name metal.ZoneName) error {
	return s.in(ctx, func(q *query.Queries) error {
		if name.Address.IsValid() && !slices.Contains(n.Addresses, name.Address) {
			if _, err := q.DropPointer(ctx, query.DropPointerParams{Address: name.Address, Project: string(n.Project)}); err != nil {
				return err
			}
		}
		return q.DropName(ctx, query.DropNameParams{Zone: name.Zone, Name: name.Name, Owner: string(n.Owner)})
	})
}

// NamesSettled notes that an owner's names were brought, unless they became due
// again meanwhile.
func (s *Store) NamesSettled(ctx context.Context, n metal.Naming) error {
	return s.Queries().NamesSettled(ctx, query.NamesSettledParams{Owner: string(n.Owner), Since: n.Due})
}

// OwnersDue are those whose names may have differed for a while.
func (s *Store) OwnersDue(ctx context.Context, age time.Duration, most int) ([]metal.Holder, error) {
	rows, err := s.Queries().OwnersDue(ctx, query.OwnersDueParams{Age: age, Most: int32(most)})
	if err != nil {
		return nil, fmt.Errorf("look for names to be brought: %w", err)
	}
	owners := make([]metal.Holder, len(rows))
	for i, r := range rows {
		owners[i] = metal.Holder(r)
	}
	return owners, nil
}

// SetPointer lets a project name an address of its own; an empty name takes its
// choice back. It returns whose names have to follow. Safe to repeat.
func (s *Store) SetPointer(ctx context.Context, project metal.ProjectID, address netip.Addr, name string) (metal.Holder, error) {
	var owner metal.Holder
	err := s.in(ctx, func(q *query.Queries) error {
		at, err := q.HolderOfAddress(ctx, address)
		if err != nil || at.Project != string(project) || at.Role != string(metal.Public) && at.Role != string(metal.Anycast) {
			return errors.Join(dropNoRows(err), fmt.Errorf("name %s: project %s has no such public address: %w", address, project, metal.ErrNotAllowed))
		}
		if owner, err = pointerOwner(ctx, q, at, address); err != nil {
			return err
		}
		if name == "" {
			_, err = q.DropPointer(ctx, query.DropPointerParams{Address: address, Project: string(project)})
		} else if name, err = metal.FullName(name); err == nil {
			err = q.SetPointer(ctx, query.SetPointerParams{Address: address, Project: string(project), Name: name})
		}
		if err != nil {
			return err
		}
		return q.MarkNamesDue(ctx, string(owner))
	})
	return owner, err
}

func dropNoRows(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

// pointerOwner says whose PTR an address has: its reservation's, or the
// device's that has it as the machine's end of a link. The switch's end is
// nobody's to name.
func pointerOwner(ctx context.Context, q *query.Queries, at query.HolderOfAddressRow, address netip.Addr) (metal.Holder, error) {
	if at.Purpose == string(metal.Reservation) {
		id, err := q.ReservationOf(ctx, at.Block)
		return metal.Holder(metal.ReservationHolder + id), err
	}
	link := metal.Link{Prefix: at.Prefix}
	if at.Device == "" || !at.Prefix.IsSingleIP() && link.Machine() != address {
		return "", fmt.Errorf("name %s: it is the switch's end of %s; name the machine's end, %s: %w", address, at.Prefix, link.Machine(), metal.ErrNotAllowed)
	}
	return metal.Holder(metal.DeviceHolder + at.Device), nil
}
