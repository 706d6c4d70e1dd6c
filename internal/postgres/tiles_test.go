package postgres_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// How faults of two holders end or begin.
const (
	overlap  = "is covered before"
	promised = "promised twice: "
)

// tile is a piece as it stands in the table.
type tile struct {
	Prefix    netip.Prefix
	Aggregate netip.Prefix
	Block     *netip.Prefix
	Holder    *string
	Ask       *string
}

// tiling is all of the tables at one moment, read without any index.
type tiling struct {
	tiles      []tile
	blocks     []netip.Prefix
	aggregates []netip.Prefix
}

func readTiling(ctx context.Context, conn *pgx.Conn) (s tiling, err error) {
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local enable_indexscan = off; set local enable_indexonlyscan = off; set local enable_bitmapscan = off"); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, "select prefix, aggregate, block, holder, ask from pieces")
		if s.tiles, err = pgx.CollectRows(rows, pgx.RowToStructByPos[tile]); err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, "select prefix from blocks")
		if s.blocks, err = pgx.CollectRows(rows, pgx.RowTo[netip.Prefix]); err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, "select prefix from aggregates")
		s.aggregates, err = pgx.CollectRows(rows, pgx.RowTo[netip.Prefix])
		return err
	})
	return s, err
}

// faults says what is wrong with the space, by arithmetic on addresses and by
// nothing that the database promises: addresses that two pieces cover, or none,
// and pieces that are counted for another block than theirs. Without any, free,
// held and resting pieces are the whole of each block.
func (s tiling) faults() (all []string) {
	slices.SortFunc(s.tiles, func(a, b tile) int {
		if c := a.Prefix.Addr().Compare(b.Prefix.Addr()); c != 0 {
			return c
		}
		return a.Prefix.Bits() - b.Prefix.Bits()
	})
	rest := s.tiles
	slices.SortFunc(s.aggregates, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	for _, aggregate := range s.aggregates {
		due := aggregate.Addr() // the first address that no piece has covered yet
		for len(rest) > 0 && aggregate.Contains(rest[0].Prefix.Addr()) {
			p := rest[0].Prefix
			switch c := p.Addr().Compare(due); {
			case c < 0:
				all = append(all, fmt.Sprintf("%s %s", p, overlap))
			case c > 0:
				all = append(all, fmt.Sprintf("lost: %s up to %s", due, p))
			}
			if end := last(p).Next(); !end.IsValid() || end.Compare(due) > 0 {
				due = end
			}
			rest = rest[1:]
		}
		if due != last(aggregate).Next() {
			all = append(all, fmt.Sprintf("lost: %s to the end of %s", due, aggregate))
		}
	}
	for _, t := range rest {
		all = append(all, fmt.Sprintf("%s is in no aggregate", t.Prefix))
	}
	return append(all, s.misplaced()...)
}

// misplaced lists pieces that name another block than the innermost one around
// them.
func (s tiling) misplaced() (all []string) {
	slices.SortFunc(s.blocks, func(a, b netip.Prefix) int { return b.Bits() - a.Bits() })
	for _, t := range s.tiles {
		var inner, says netip.Prefix
		if i := slices.IndexFunc(s.blocks, func(b netip.Prefix) bool { return b.Overlaps(t.Prefix) && b.Bits() <= t.Prefix.Bits() }); i >= 0 {
			inner = s.blocks[i]
		}
		if t.Block != nil {
			says = *t.Block
		}
		if inner != says {
			all = append(all, fmt.Sprintf("%s is in block %s and says %s", t.Prefix, inner, says))
		}
	}
	return all
}

// last is a prefix's last address.
func last(p netip.Prefix) netip.Addr {
	raw := p.Addr().AsSlice()
	for i := p.Bits(); i < len(raw)*8; i++ {
		raw[i/8] |= 0x80 >> (i % 8)
	}
	addr, _ := netip.AddrFromSlice(raw)
	return addr
}

// tiled requires that space is whole.
func (c *counter) tiled() {
	c.t.Helper()
	require.Empty(c.t, c.tiling().faults())
}

func (c *counter) tiling() (s tiling) {
	c.t.Helper()
	conn, err := c.db.Acquire(c.t.Context())
	require.NoError(c.t, err)
	defer conn.Release()
	s, err = readTiling(c.t.Context(), conn.Conn())
	require.NoError(c.t, err)
	return s
}

// ledger is what callers were told: who holds which address, in their own
// memory. It knows nothing of the database.
type ledger struct {
	mu      sync.Mutex
	holders map[netip.Addr]string
	faults  []string
}

func newLedger() *ledger { return &ledger{holders: map[netip.Addr]string{}} }

// got notes an answer, and a fault where somebody else holds what it says.
func (l *ledger) got(p netip.Prefix, who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for a := p.Addr(); a.IsValid() && p.Contains(a); a = a.Next() {
		if has := l.holders[a]; has != "" && has != who {
			l.faults = append(l.faults, fmt.Sprintf("%s%s of %s is %s's", promised, a, who, has))
		}
		l.holders[a] = who
	}
}

// gone notes that a holder is about to give a prefix back.
func (l *ledger) gone(p netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for a := p.Addr(); a.IsValid() && p.Contains(a); a = a.Next() {
		delete(l.holders, a)
	}
}

// names are all who hold something.
func (l *ledger) names() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]bool{}
	for _, who := range l.holders {
		all[who] = true
	}
	return all
}

// against lists what differs between the ledger and the table: holdings that
// were answered and are not there, and such that nobody was told of.
func (l *ledger) against(s tiling) (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all = slices.Clone(l.faults)
	seen := 0
	for _, t := range s.tiles {
		if t.Holder == nil {
			continue
		}
		for a := t.Prefix.Addr(); a.IsValid() && t.Prefix.Contains(a); a = a.Next() {
			seen++
			if who := *t.Holder + " " + *t.Ask; l.holders[a] != who {
				all = append(all, fmt.Sprintf("%s is held by %s, and was promised to %q", a, who, l.holders[a]))
			}
		}
	}
	if seen < len(l.holders) {
		all = append(all, fmt.Sprintf("%d addresses were promised, %d are held", len(l.holders), seen))
	}
	return all
}
