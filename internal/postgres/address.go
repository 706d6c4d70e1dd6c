package postgres

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// links are what every device gets: one link per role and family. Sites order
// their blocks as they like, so two claims at one site take turns at the first
// of these, and never wait for each other crosswise.
var links = []struct {
	role   metal.Role
	family int32
	bits   int32
}{
	{metal.Public, 4, 31},
	{metal.Private, 4, 31},
	{metal.Public, 6, 127},
}

// lease gives the device the links it lacks and lists all it has.
func lease(ctx context.Context, q *query.Queries, d query.Device) (string, error) {
	held, err := q.LeasesOfDevice(ctx, d.ID)
	if err != nil {
		return "", err
	}
	var all []string
	for _, l := range held {
		all = append(all, l.Prefix.String())
	}
	for _, want := range links {
		if slices.ContainsFunc(held, func(l query.LeasesOfDeviceRow) bool {
			return l.Role == string(want.role) && family(l.Prefix) == want.family
		}) {
			continue
		}
		blocks, err := q.BlocksOf(ctx, query.BlocksOfParams{Site: d.Site, Role: string(want.role), Family: want.family})
		if err != nil {
			return "", err
		}
		prefix, block, err := takeFrom(ctx, q, blocks, want.bits)
		if err != nil {
			return "", fmt.Errorf("lease a %s IPv%d /%d at %s: %w", want.role, want.family, want.bits, d.Site, err)
		}
		if err := q.InsertDeviceLease(ctx, query.InsertDeviceLeaseParams{Prefix: prefix, Block: block, Device: d.ID}); err != nil {
			return "", err
		}
		all = append(all, prefix.String())
	}
	return strings.Join(all, ", "), nil
}

func family(p netip.Prefix) int32 {
	if p.Addr().Is4() {
		return 4
	}
	return 6
}

// noPrefix is how take_prefix says that a block has no room.
var noPrefix = netip.PrefixFrom(netip.IPv6Unspecified(), 0)

// takeFrom cuts a prefix out of the first block that has room.
func takeFrom(ctx context.Context, q *query.Queries, blocks []query.Block, bits int32) (prefix, block netip.Prefix, err error) {
	var names []string
	for _, b := range blocks {
		prefix, err := q.TakePrefix(ctx, query.TakePrefixParams{Block: b.Prefix, Len: bits})
		if err != nil || prefix != noPrefix {
			return prefix, b.Prefix, err
		}
		names = append(names, b.Prefix.String())
	}
	if len(names) == 0 {
		return prefix, block, fmt.Errorf("the site has no such block; add one to its file and import it: %w", metal.ErrNoAddress)
	}
	return prefix, block, fmt.Errorf("%s full; add a block, or wait for addresses to leave quarantine: %w", strings.Join(names, ", "), metal.ErrNoAddress)
}

// FreeExpiredLeases ends the quarantine of addresses released longer ago than
// it lasts, and says how many. Each is a transaction of its own: one that held
// several blocks would make claims wait crosswise. Safe to repeat.
func (s *Store) FreeExpiredLeases(ctx context.Context, quarantine time.Duration) (int, error) {
	expired, err := s.Queries().ExpiredLeases(ctx, quarantine)
	if err != nil {
		return 0, fmt.Errorf("look for addresses whose quarantine is over: %w", err)
	}
	for n, l := range expired {
		err := s.in(ctx, func(q *query.Queries) error {
			gone, err := q.DeleteExpiredLease(ctx, query.DeleteExpiredLeaseParams{Prefix: l.Prefix, Quarantine: quarantine})
			if err != nil || gone == 0 {
				return err
			}
			return q.GiveBackPrefix(ctx, query.GiveBackPrefixParams(l))
		})
		if err != nil {
			return n, fmt.Errorf("give %s back to %s: %w", l.Prefix, l.Block, err)
		}
	}
	return len(expired), nil
}
