package postgres

import (
	"context"
	"fmt"
	"net/netip"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// lockFree locks the free piece that a prefix can be cut from, or says why
// there is none: who holds it, until when it rests, what block is in the way.
func lockFree(ctx context.Context, q *query.Queries, want netip.Prefix) (query.PieceFromRow, error) {
	piece, err := lockPiece(ctx, q, want)
	if err != nil || isFree(piece) && ipam.Covers(piece.Prefix, want) {
		return piece, err
	}
	if err := whyNotFree(ctx, q, want, piece); err != nil {
		return piece, err
	}
	// Free buddies that a lease passing by has kept apart.
	if piece.Block != nil {
		if err := q.LockBlock(ctx, *piece.Block); err != nil {
			return piece, err
		}
	}
	if err := q.MergePieces(ctx, want); err != nil {
		return piece, fmt.Errorf("%s: merge what is free of it: %w", want, err)
	}
	piece, err = lockPiece(ctx, q, want)
	if err == nil && !(isFree(piece) && ipam.Covers(piece.Prefix, want)) {
		err = fmt.Errorf("%s: %w", want, errBusy)
	}
	return piece, err
}

// lockPiece locks the piece that a prefix begins in.
func lockPiece(ctx context.Context, q *query.Queries, want netip.Prefix) (query.PieceFromRow, error) {
	first, err := q.LockPieceWith(ctx, want.Addr())
	if err != nil {
		return query.PieceFromRow{}, fmt.Errorf("%s: look for its piece: %w", want, err)
	}
	if first == "" {
		return query.PieceFromRow{}, fmt.Errorf("%s: %w: it is in no aggregate; add one that has it: starter ip aggregate add", want, metal.ErrInvalidPrefix)
	}
	at, err := netip.ParseAddr(first)
	if err != nil {
		return query.PieceFromRow{}, fmt.Errorf("%s: its piece begins at %q: %w", want, first, err)
	}
	piece, err := q.PieceFrom(ctx, at)
	if err != nil {
		return piece, fmt.Errorf("%s: read its piece: %w", want, err)
	}
	return piece, nil
}

func isFree(p query.PieceFromRow) bool { return p.Holder == nil && p.Released == nil }

// whyNotFree names what is in the way of a prefix; nothing where only other
// transactions are.
func whyNotFree(ctx context.Context, q *query.Queries, want netip.Prefix, around query.PieceFromRow) error {
	blocks, err := q.BlocksNear(ctx, want)
	if err != nil {
		return fmt.Errorf("%s: %w", want, err)
	}
	for _, b := range blocks {
		if want.Bits() < b.Prefix.Bits() {
			return fmt.Errorf("%s: %w: block %s is within it; ask for what is beside that", want, metal.ErrOverlap, b.Prefix)
		}
	}
	used, err := q.UsedWithin(ctx, query.UsedWithinParams{Prefix: want, Most: 1})
	if err != nil {
		return fmt.Errorf("%s: %w", want, err)
	}
	pieces := []metal.Piece{pieceOf(around)}
	for _, u := range used {
		pieces = append(pieces, pieceOf(query.PieceFromRow(u)))
	}
	return ipam.CheckFree(want, pieces)
}

func pieceOf(p query.PieceFromRow) metal.Piece {
	piece := metal.Piece{Prefix: p.Prefix, State: metal.Free}
	if p.Block != nil {
		piece.Block = *p.Block
	}
	switch {
	case p.Holder != nil:
		piece.State, piece.Holder, piece.Ask, piece.Since = metal.Held, metal.Holder(*p.Holder), *p.Ask, p.TakenAt.UTC()
	case p.Released != nil:
		piece.State, piece.Since, piece.FreedAt = metal.Resting, p.Released.UTC(), p.FreedAt.UTC()
	}
	return piece
}

// FreeNow ends the rest of all that rests within a prefix, or around it, and
// says what it set free. A prefix that somebody holds, or part of which, is
// refused. Safe to repeat: then it frees nothing.
func (s *Store) FreeNow(ctx context.Context, prefix netip.Prefix) (freed []netip.Prefix, err error) {
	if err := checkMasked(prefix); err != nil {
		return nil, err
	}
	err = s.retried(ctx, func(q *query.Queries) error {
		freed = nil
		whole, err := restToEnd(ctx, q, prefix)
		if err != nil {
			return err
		}
		resting, err := q.RestingWithin(ctx, whole)
		if err != nil {
			return fmt.Errorf("%s: %w", prefix, err)
		}
		for _, r := range resting { // in the order of the blocks, as everybody locks them
			if err := q.LockBlock(ctx, r.Block); err != nil {
				return err
			}
		}
		if resting, err = q.RestingWithin(ctx, whole); err != nil { // what still rests, now that nobody else frees
			return fmt.Errorf("%s: %w", prefix, err)
		}
		for _, r := range resting {
			if err := q.FreePieces(ctx, query.FreePiecesParams{Block: r.Block, Begins: r.Begins}); err != nil {
				return fmt.Errorf("end the rest of %d prefixes of block %s: %w", len(r.Begins), r.Block, err)
			}
			freed = append(freed, r.Prefixes...)
		}
		return nil
	})
	return freed, err
}

// restToEnd is the prefix, or the piece around it, if nobody holds any of it.
func restToEnd(ctx context.Context, q *query.Queries, prefix netip.Prefix) (netip.Prefix, error) {
	held, err := q.HeldWithin(ctx, prefix)
	if err != nil {
		return prefix, fmt.Errorf("%s: %w", prefix, err)
	}
	if len(held) > 0 {
		return prefix, fmt.Errorf("%s: %w: %s is held by %s; what is held is given back, or unassigned, or its device deprovisioned", prefix, metal.ErrInUse, held[0].Prefix, held[0].Holder)
	}
	around, err := q.PieceOver(ctx, prefix.Addr())
	if err != nil {
		return prefix, fmt.Errorf("%s: %w", prefix, err)
	}
	if len(around) == 0 {
		return prefix, fmt.Errorf("%s: %w: it is in no aggregate", prefix, metal.ErrInvalidPrefix)
	}
	if ipam.Covers(around[0].Prefix, prefix) {
		return around[0].Prefix, nil
	}
	return prefix, nil
}

// mostNamed bounds how many things are looked at to name one of them.
const mostNamed = 1000
