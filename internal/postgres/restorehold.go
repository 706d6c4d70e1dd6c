package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/survey"
)

// restoredHolder holds what a port routes and the records give to nobody: a
// person gives it back, once nothing routes it any more.
const restoredHolder = metal.ImportedHolder + "restored/"

// hold takes a prefix out of everybody's reach that a port routes. What cannot
// be held as it is, because the records have cut it otherwise, is called out all
// the same.
func (j *judging) hold(ctx context.Context, seen survey.Seen) error {
	holder := metal.Holder(restoredHolder + seen.Port.String())
	was, err := j.take(ctx, seen.Prefix, holder)
	switch {
	case errors.Is(err, metal.ErrInUse) || errors.Is(err, metal.ErrOverlap) || errors.Is(err, metal.ErrInvalidPrefix):
		was = err.Error()
	case err != nil:
		return fmt.Errorf("hold %s, which port %s routes: %w", seen.Prefix, seen.Port, err)
	case was == string(holder):
		return nil
	}
	evidence := fmt.Sprintf("port %s routes it", seen.Port)
	if seen.Named != "" {
		evidence += " to device " + string(seen.Named)
	}
	return j.call(ctx, metal.Called{Kind: metal.AddressHeld, Port: seen.Port.String(), Device: seen.Named, Prefix: seen.Prefix,
		Evidence: evidence + "; by the records: " + was,
		Next:     fmt.Sprintf("once no port routes it: starter ip give-back %s", seen.Prefix)})
}

// take gives a prefix to a holder, and says in words who had it by the records.
func (j *judging) take(ctx context.Context, want netip.Prefix, holder metal.Holder) (was string, err error) {
	piece, err := lockPiece(ctx, j.q, want)
	if err != nil {
		return "", err
	}
	switch {
	case piece.Holder != nil && *piece.Holder == string(holder):
		return *piece.Holder, nil
	case piece.Holder != nil && (piece.Prefix != want || !strings.HasPrefix(*piece.Holder, metal.DeviceHolder)):
		return "", fmt.Errorf("%s has %s: %w", *piece.Holder, piece.Prefix, metal.ErrInUse)
	case piece.Holder != nil, piece.Released != nil && piece.Prefix == want:
		was = "at rest"
		if piece.Holder != nil {
			was = *piece.Holder
		}
		return was, j.q.MovePiece(ctx, query.MovePieceParams{First: piece.First, Holder: string(holder), Ask: want.String()})
	case piece.Released != nil && piece.Block != nil:
		if err := j.q.FreePieces(ctx, query.FreePiecesParams{Block: *piece.Block, Begins: []netip.Addr{piece.First}}); err != nil {
			return "", err
		}
	}
	free, err := lockFree(ctx, j.q, want)
	if err != nil {
		return "", err
	}
	return "nobody's", hold(ctx, j.q, free, want, holder, want.String())
}

// loopbacks are single addresses that a machine may announce and its device does
// not have. What is reserved its project may announce from any machine.
func (j *judging) loopbacks(r survey.Record) (all []survey.Seen) {
	for _, p := range r.Ports {
		c := j.world.Carried[p.Port]
		for _, a := range c.Announced {
			if a.IsSingleIP() && !slices.Contains(j.world.Leases[r.Device], a) && !slices.ContainsFunc(all, func(s survey.Seen) bool { return s.Prefix == a }) {
				all = append(all, survey.Seen{Prefix: a, Port: p.Port, Named: c.Named()})
			}
		}
	}
	return all
}

// strangers are ports that the records do not have at all: of machines that came
// in after the backup. What they route is held like any other's.
func (j *judging) strangers(ctx context.Context) error {
	rows, err := j.q.PortsAt(ctx, string(j.site))
	if err != nil {
		return err
	}
	known := map[metal.Port]bool{}
	for _, p := range rows {
		known[metal.Port{Switch: metal.SwitchID(p.Switch), Name: p.Name}] = true
	}
	for port, c := range j.world.Carried {
		if known[port] {
			continue
		}
		for _, p := range c.Prefixes {
			if err := j.hold(ctx, survey.Seen{Prefix: p, Port: port, Named: c.Named()}); err != nil {
				return err
			}
		}
	}
	return nil
}
