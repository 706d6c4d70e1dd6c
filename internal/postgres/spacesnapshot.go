package postgres

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Snapshot reads address space as it is at one moment, for pictures, reports
// and exports: what lies in a prefix, or everything if it is invalid.
func (s *Store) Snapshot(ctx context.Context, within netip.Prefix) (shot ipam.Snapshot, err error) {
	// One moment: what a lease moves while this reads is seen once.
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		shot, _, err = snapshot(ctx, query.New(tx), within)
		return err
	})
	return shot, err
}

// snapshot also says which aggregates nobody has named.
func snapshot(ctx context.Context, q *query.Queries, within netip.Prefix) (shot ipam.Snapshot, assumed map[netip.Prefix]bool, err error) {
	shot = ipam.Snapshot{At: time.Now().UTC(), Projects: map[metal.Holder]metal.ProjectID{}}
	assumed = map[netip.Prefix]bool{}
	inside := func(p netip.Prefix) bool { return !within.IsValid() || p.Overlaps(within) }
	aggregates, err := q.ListAggregates(ctx)
	if err != nil {
		return shot, nil, fmt.Errorf("read aggregates: %w", err)
	}
	for _, a := range aggregates {
		if inside(a.Prefix) {
			shot.Aggregates = append(shot.Aggregates, aggregateOf(a))
			assumed[a.Prefix] = a.Assumed
		}
	}
	blocks, err := q.ListAllBlocks(ctx)
	if err != nil {
		return shot, nil, fmt.Errorf("read blocks: %w", err)
	}
	for _, r := range blocks {
		if inside(r.Prefix) {
			shot.Blocks = append(shot.Blocks, blockOf(query.Block{Prefix: r.Prefix, Site: r.Site, Role: r.Role, Aggregate: r.Aggregate,
				Parent: r.Parent, Purpose: r.Purpose, Project: r.Project, Note: r.Note, MadeAt: r.MadeAt}, r.Projects))
		}
	}
	return shot, assumed, pieces(ctx, q, within, &shot)
}

func pieces(ctx context.Context, q *query.Queries, within netip.Prefix, shot *ipam.Snapshot) error {
	everything := !within.IsValid()
	if everything {
		within = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	rows, err := q.SpaceUsed(ctx, query.SpaceUsedParams{Everything: everything, Prefix: within.Masked()})
	if err != nil {
		return fmt.Errorf("read what is held: %w", err)
	}
	shot.Pieces = make([]metal.Piece, len(rows))
	for i, r := range rows {
		shot.Pieces[i] = pieceOf(query.PieceFromRow{Prefix: r.Prefix, Block: r.Block, Holder: r.Holder, Ask: r.Ask, TakenAt: r.TakenAt, Released: r.Released, FreedAt: r.FreedAt})
		if r.Project != "" {
			shot.Projects[shot.Pieces[i].Holder] = metal.ProjectID(r.Project)
		}
	}
	return nil
}
