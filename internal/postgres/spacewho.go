package postgres

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Who is all that is known of an address at a moment.
type Who struct {
	Address     netip.Addr
	At          time.Time
	State       metal.PieceState // at that moment; free where nobody has ever had it
	Prefix      netip.Prefix     // of the lease, or of what is free around the address
	Block       netip.Prefix     // invalid where it is in none
	Role        metal.Role
	Site        metal.SiteID
	Holder      metal.Holder // while it is held
	Project     metal.ProjectID
	From, Until time.Time // of the holding, or of the rest; Until is zero while a holding lasts

	Reservation metal.ReservationID // that it belongs to
	Machine     metal.MachineID     // of a device, now
	Hostname    string              // the same
	Before      *metal.Tenure       // who had it last, where nobody has it
}

// Who says who has an address now. It is one look-up in an index, however much
// is held.
func (s *Store) Who(ctx context.Context, addr netip.Addr) (Who, error) {
	addr = addr.Unmap()
	who := Who{Address: addr, At: time.Now().UTC()}
	rows, err := s.Queries().WhoHas(ctx, addr)
	if err != nil {
		return who, fmt.Errorf("who has %s: %w", addr, err)
	}
	if len(rows) == 0 {
		return who, fmt.Errorf("who has %s: %w: no aggregate has it; it is not ours", addr, metal.ErrInvalidPrefix)
	}
	r := rows[0]
	p := pieceOf(query.PieceFromRow{Prefix: r.Prefix, Block: r.Block, Holder: r.Holder, Ask: r.Ask, TakenAt: r.TakenAt, Released: r.Released, FreedAt: r.FreedAt})
	who.State, who.Prefix, who.Block, who.Role, who.Site = p.State, p.Prefix, p.Block, metal.Role(r.Role), metal.SiteID(r.Site)
	who.Holder, who.Project, who.From, who.Until = p.Holder, metal.ProjectID(r.Project), p.Since, p.FreedAt
	who.Reservation, who.Machine, who.Hostname = metal.ReservationID(r.Reservation), metal.MachineID(r.Machine), r.Hostname
	if p.State == metal.Held {
		return who, nil
	}
	return who, s.before(ctx, &who)
}

// before adds who had an address that nobody has.
func (s *Store) before(ctx context.Context, who *Who) error {
	rows, err := s.Queries().LastTenure(ctx, query.LastTenureParams{Prefixes: around(who.Address), At: who.At})
	if err != nil {
		return fmt.Errorf("who had %s last: %w", who.Address, err)
	}
	if len(rows) > 0 {
		t := tenureOf(rows[0])
		who.Before = &t
	}
	return nil
}

// WhoAt says who had an address at a moment: a lease that was in force then, or
// else the reservation that it was in, and who had it before.
func (s *Store) WhoAt(ctx context.Context, addr netip.Addr, at time.Time) (Who, error) {
	now, err := s.Who(ctx, addr)
	if err != nil || !at.Before(now.At) || now.State != metal.Free && !now.From.After(at) {
		return now, err
	}
	q, addr := s.Queries(), now.Address
	who := Who{Address: addr, At: at.UTC(), State: metal.Free, Prefix: now.Prefix}
	tenures, err := q.WhoHad(ctx, query.WhoHadParams{Prefixes: around(addr), At: at})
	if err != nil {
		return who, fmt.Errorf("who had %s: %w", addr, err)
	}
	reserved, err := q.ReservedAt(ctx, query.ReservedAtParams{Prefixes: around(addr), At: &at})
	if err != nil {
		return who, fmt.Errorf("who had %s reserved: %w", addr, err)
	}
	if len(reserved) > 0 {
		r := reservationOf(reserved[0])
		who.Reservation, who.Project, who.Site, who.Prefix, who.Block, who.Role = r.ID, r.Project, r.Site, r.Prefix, r.Prefix, r.Role()
	}
	if len(tenures) == 0 {
		return who, s.before(ctx, &who)
	}
	t := tenureOf(tenures[0])
	who.State, who.Prefix, who.Block, who.Role, who.Site = metal.Held, t.Prefix, t.Block, t.Role, t.Site
	who.Holder, who.From, who.Until = t.Holder, t.From, t.Until
	who.Project = cmp.Or(t.Project, who.Project)
	return who, nil
}

// around lists all prefixes that have an address.
func around(addr netip.Addr) []netip.Prefix {
	all := make([]netip.Prefix, addr.BitLen()+1)
	for bits := range all {
		all[bits] = netip.PrefixFrom(addr, bits).Masked()
	}
	return all
}

func tenureOf(t query.Tenure) metal.Tenure {
	tenure := metal.Tenure{Prefix: t.Prefix, Block: t.Block, Role: metal.Role(t.Role), Holder: metal.Holder(t.Holder), From: t.Since.UTC(), Until: t.Until.UTC()}
	if t.Site != nil {
		tenure.Site = metal.SiteID(*t.Site)
	}
	if t.Project != nil {
		tenure.Project = metal.ProjectID(*t.Project)
	}
	return tenure
}

// Holding is something that somebody has: a lease, or a block of a project.
type Holding struct {
	metal.Tenure
	Ask         string              // of a lease
	Purpose     metal.Purpose       // of its block
	Reservation metal.ReservationID // of a block that is one
}

// HeldBy lists what a holder has now: "device/…", "port/…", "imported/…". For
// "project/…" that is all that its devices have, too, and its blocks.
func (s *Store) HeldBy(ctx context.Context, holder metal.Holder) ([]Holding, error) {
	q, all := s.Queries(), []Holding{}
	project, ok := strings.CutPrefix(string(holder), metal.ProjectHolder)
	if !ok {
		rows, err := q.HeldByHolder(ctx, string(holder))
		for _, r := range rows {
			all = append(all, holdingOf(query.HeldByProjectRow(r)))
		}
		return all, err
	}
	blocks, err := q.BlocksOfProject(ctx, project)
	if err != nil {
		return nil, fmt.Errorf("blocks of project %s: %w", project, err)
	}
	for _, b := range blocks {
		r := holdingOf(query.HeldByProjectRow{Prefix: b.Prefix, Block: valid(b.Parent), Role: b.Role, Purpose: b.Purpose, Project: project, TakenAt: b.MadeAt})
		r.Reservation = metal.ReservationID(b.Reservation)
		if b.Site != nil {
			r.Site = metal.SiteID(*b.Site)
		}
		all = append(all, r)
	}
	rows, err := q.HeldByProject(ctx, project)
	for _, r := range rows {
		all = append(all, holdingOf(r))
	}
	return all, err
}

func holdingOf(r query.HeldByProjectRow) Holding {
	return Holding{Ask: r.Ask, Purpose: metal.Purpose(r.Purpose), Tenure: metal.Tenure{
		Prefix: r.Prefix, Block: r.Block, Role: metal.Role(r.Role), Site: metal.SiteID(r.Site),
		Holder: metal.Holder(r.Holder), Project: metal.ProjectID(r.Project), From: r.TakenAt.UTC(),
	}}
}

// History lists holdings that are over, the newest first: of a holder, of a
// project, of the prefixes around an address, or of all of these at once.
func (s *Store) History(ctx context.Context, holder metal.Holder, project metal.ProjectID, addr netip.Addr, most int) ([]metal.Tenure, error) {
	prefixes := []netip.Prefix{}
	if addr.IsValid() {
		prefixes = around(addr.Unmap())
	}
	rows, err := s.Queries().Tenures(ctx, query.TenuresParams{Holder: string(holder), Project: string(project), Prefixes: prefixes, Most: int32(most)})
	all := make([]metal.Tenure, len(rows))
	for i, row := range rows {
		all[i] = tenureOf(row)
	}
	return all, err
}
