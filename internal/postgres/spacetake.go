package postgres

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// TakeWish asks for a prefix outside any device's life: for a project, or for
// what only an import or a person knows of.
type TakeWish struct {
	Holder metal.Holder // "project/…" or "imported/…"
	Ask    string       // which of the holder's it is; the prefix if it names one and says nothing
	Prefix netip.Prefix // the very prefix; or else
	Bits   int          // its length, from
	Block  netip.Prefix // this block, or else from the pools of
	Site   metal.SiteID
	Role   metal.Role
	Family int
}

func (w TakeWish) project() metal.ProjectID {
	id, _ := strings.CutPrefix(string(w.Holder), metal.ProjectHolder)
	if id == string(w.Holder) {
		return ""
	}
	return metal.ProjectID(id)
}

// Take leases a prefix to a holder, and answers the one that it has if its ask
// was heard before.
func (s *Store) Take(ctx context.Context, w TakeWish) (got netip.Prefix, err error) {
	if w.Prefix.IsValid() && w.Ask == "" {
		w.Ask = w.Prefix.String()
	}
	if err := w.check(); err != nil {
		return got, err
	}
	if !w.Prefix.IsValid() {
		if blocks, err := s.unlimited(ctx, w); err != nil || blocks != nil {
			if err == nil {
				got, err = s.Lease(ctx, LeaseAsk{Blocks: blocks, Bits: w.Bits, Holder: w.Holder, Ask: w.Ask})
			}
			return got, err
		}
	}
	err = s.retried(ctx, func(q *query.Queries) error {
		had, err := hadBefore(ctx, q, w)
		if err != nil || had.IsValid() {
			got = had
			return err
		}
		if w.Prefix.IsValid() {
			got, err = w.Prefix, takeExact(ctx, q, w)
			return err
		}
		got, err = takeAny(ctx, q, w)
		return err
	})
	return got, err
}

// unlimited says where a prefix may come from for a holder that no quota limits:
// such asks share transactions. Nil where a quota has to be held until the
// lease is written, or where the ask was heard before.
func (s *Store) unlimited(ctx context.Context, w TakeWish) ([]netip.Prefix, error) {
	q := s.Queries()
	if had, err := hadBefore(ctx, q, w); err != nil || had.IsValid() {
		return nil, err
	}
	if project := w.project(); project != "" {
		if quotas, err := s.Quotas(ctx, project); err != nil || len(quotas) > 0 {
			return nil, err
		}
	}
	blocks, err := w.blocks(ctx, q)
	fits := slices.DeleteFunc(blockPrefixes(blocks), func(b netip.Prefix) bool { return ipam.CheckSize(b, w.Bits) != nil })
	if err != nil || len(fits) == 0 {
		return nil, err // the other way says which size would fit
	}
	return fits, nil
}

func (w TakeWish) check() error {
	project := w.project()
	switch {
	case project == "" && !strings.HasPrefix(string(w.Holder), metal.ImportedHolder):
		return fmt.Errorf("holder %q: %w: devices and ports get theirs from their runs; write project/… or imported/…", w.Holder, metal.ErrNotAllowed)
	case project == "" && len(w.Holder) == len(metal.ImportedHolder):
		return fmt.Errorf("holder %q: %w: it has no name", w.Holder, metal.ErrNotAllowed)
	case w.Ask == "":
		return fmt.Errorf("take for %s: %w: say which of its addresses this is, so that asking twice is asking once", w.Holder, metal.ErrNotAllowed)
	}
	if project != "" {
		if err := metal.CheckProject(project); err != nil {
			return err
		}
	}
	if w.Prefix.IsValid() {
		return checkMasked(w.Prefix)
	}
	if w.Block.IsValid() {
		return ipam.CheckSize(w.Block, w.Bits)
	}
	return nil
}

// hadBefore is what the same ask got earlier. If that is something else than is
// asked for now, the ask is another one's.
func hadBefore(ctx context.Context, q *query.Queries, w TakeWish) (netip.Prefix, error) {
	rows, err := q.PieceOfAsk(ctx, query.PieceOfAskParams{Holder: string(w.Holder), Ask: w.Ask})
	if err != nil || len(rows) == 0 {
		return netip.Prefix{}, err
	}
	had := rows[0].Prefix
	same := w.Prefix == had
	if !w.Prefix.IsValid() {
		same = had.Bits() == w.Bits && (!w.Block.IsValid() || ipam.Covers(w.Block, had))
	}
	if !same {
		return netip.Prefix{}, fmt.Errorf("%s: %w: its %q is %s already; ask under another name, or give that back", w.Holder, metal.ErrInUse, w.Ask, had)
	}
	return had, nil
}

func takeAny(ctx context.Context, q *query.Queries, w TakeWish) (netip.Prefix, error) {
	blocks, err := w.blocks(ctx, q)
	if err != nil {
		return netip.Prefix{}, err
	}
	for i, b := range blocks {
		if ipam.CheckSize(b.Prefix, w.Bits) != nil {
			if i == len(blocks)-1 {
				return netip.Prefix{}, ipam.CheckSize(b.Prefix, w.Bits)
			}
			continue
		}
		if err := takeQuota(ctx, q, w, b, w.Bits); err != nil {
			return netip.Prefix{}, err
		}
		break // all are of one role
	}
	return takeFrom(ctx, q, blockPrefixes(blocks), int32(w.Bits), string(w.Holder), w.Ask)
}

// blocks are where a prefix may come from.
func (w TakeWish) blocks(ctx context.Context, q *query.Queries) ([]metal.Block, error) {
	if w.Block.IsValid() {
		b, err := readBlock(ctx, q, w.Block)
		if err == nil {
			err = w.mayTake(b)
		}
		return []metal.Block{b}, err
	}
	rows, err := pools(ctx, q, w.Site, w.Role, w.Family, w.project())
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, noRoom(ctx, q, nil, int32(w.Bits))
	}
	return rows, nil
}

// pools are the shared blocks of a site and role, or of no site, that a project
// may take from.
func pools(ctx context.Context, q *query.Queries, site metal.SiteID, role metal.Role, family int, project metal.ProjectID) ([]metal.Block, error) {
	var rows []query.Block
	var err error
	if role == metal.Anycast {
		rows, err = q.AnycastPools(ctx, query.AnycastPoolsParams{Family: int32(family), Project: string(project)})
	} else {
		rows, err = q.Pools(ctx, query.PoolsParams{Site: string(site), Role: string(role), Family: int32(family), Project: string(project)})
	}
	blocks := make([]metal.Block, len(rows))
	for i, row := range rows {
		blocks[i] = blockOf(row, nil)
	}
	return blocks, err
}

func blockPrefixes(blocks []metal.Block) []netip.Prefix {
	all := make([]netip.Prefix, len(blocks))
	for i, b := range blocks {
		all[i] = b.Prefix
	}
	return all
}

// mayTake refuses blocks that are filled otherwise. What has no project is an
// operator's word, which no list binds.
func (w TakeWish) mayTake(b metal.Block) error {
	if b.Purpose == metal.Reservation {
		return fmt.Errorf("%s: %w: it is a reservation, whose parts are assigned to devices", described(b), metal.ErrNotAllowed)
	}
	if w.project() == "" {
		return nil
	}
	return ipam.CheckProject(b, w.project())
}

// takeQuota refuses what would take a project beyond its quota.
func takeQuota(ctx context.Context, q *query.Queries, w TakeWish, b metal.Block, bits int) error {
	if w.project() == "" || b.Role != metal.Public || ipam.Family(b.Prefix) != 4 {
		return nil
	}
	return checkQuota(ctx, q, w.project(), "public-ipv4", ipam.Units(netip.PrefixFrom(b.Prefix.Addr(), bits)))
}

func takeExact(ctx context.Context, q *query.Queries, w TakeWish) error {
	piece, err := lockFree(ctx, q, w.Prefix)
	if err != nil {
		return err
	}
	if piece.Block == nil {
		return fmt.Errorf("%s: %w: it is in no block; add one that has it: starter ip block add", w.Prefix, metal.ErrInvalidPrefix)
	}
	b, err := readBlock(ctx, q, *piece.Block)
	if err != nil {
		return err
	}
	if w.Block.IsValid() {
		if err := ipam.CheckWithin(w.Block, w.Prefix); err != nil {
			return err
		}
	}
	if err := w.mayTake(b); err != nil {
		return err
	}
	if err := takeQuota(ctx, q, w, b, w.Prefix.Bits()); err != nil {
		return err
	}
	return hold(ctx, q, piece, w.Prefix, w.Holder, w.Ask)
}

// hold cuts a prefix out of a free piece that the caller has locked, and gives
// it to a holder.
func hold(ctx context.Context, q *query.Queries, piece query.PieceFromRow, want netip.Prefix, holder metal.Holder, ask string) error {
	if err := q.SplitPiece(ctx, query.SplitPieceParams{Begins: piece.First, Wanted: want}); err != nil {
		return fmt.Errorf("%s: cut it out of %s: %w", want, piece.Prefix, err)
	}
	if err := q.HoldPiece(ctx, query.HoldPieceParams{Holder: string(holder), Ask: ask, Prefix: want}); err != nil {
		return fmt.Errorf("%s: give it to %s: %w", want, holder, err)
	}
	return nil
}

// GiveBack ends the lease of a prefix that was taken by hand; it rests for as
// long as its role says. Devices and ports give theirs back themselves. Safe to
// repeat: what nobody holds stays as it is, and held is false.
func (s *Store) GiveBack(ctx context.Context, prefix netip.Prefix) (held bool, err error) {
	if err := checkMasked(prefix); err != nil {
		return false, err
	}
	err = s.retried(ctx, func(q *query.Queries) error {
		held = false
		piece, err := lockPiece(ctx, q, prefix)
		if err != nil {
			return err
		}
		switch {
		case piece.Holder == nil:
			return nil
		case piece.Prefix != prefix:
			return fmt.Errorf("%s: %w: %s has %s, and gives back all or nothing; name that", prefix, metal.ErrInUse, *piece.Holder, piece.Prefix)
		case strings.HasPrefix(*piece.Holder, metal.DeviceHolder):
			return fmt.Errorf("%s: %w: it is assigned to %s; deprovision that device, or unassign the address if it is a reservation's", prefix, metal.ErrInUse, *piece.Holder)
		case strings.HasPrefix(*piece.Holder, metal.PortHolder):
			return fmt.Errorf("%s: %w: it is the install link of %s, which keeps it for ever", prefix, metal.ErrInUse, *piece.Holder)
		}
		n, err := q.RestPiece(ctx, query.RestPieceParams{First: piece.First, Holder: *piece.Holder})
		held = n == 1
		return err
	})
	return held, err
}
