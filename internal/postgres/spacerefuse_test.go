package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// refusal is what somebody asks for in vain.
type refusal struct {
	ask  func(context.Context, *postgres.Store) error
	kind error
	says string // what is wrong, and what to do
}

func take(holder, text string) postgres.TakeWish {
	return postgres.TakeWish{Holder: metal.Holder(holder), Prefix: prefix(text)}
}

func addBlock(text string, role metal.Role, site metal.SiteID) func(context.Context, *postgres.Store) error {
	return func(ctx context.Context, s *postgres.Store) error {
		return s.AddBlock(ctx, metal.Block{Prefix: prefix(text), Role: role, Site: site, Purpose: metal.Pool})
	}
}

func taking(w postgres.TakeWish) func(context.Context, *postgres.Store) error {
	return func(ctx context.Context, s *postgres.Store) error { _, err := s.Take(ctx, w); return err }
}

func reserving(w metal.ReservationWish) func(context.Context, *postgres.Store) error {
	return func(ctx context.Context, s *postgres.Store) error { _, err := s.Reserve(ctx, w); return err }
}

func freeing(text string) func(context.Context, *postgres.Store) error {
	return func(ctx context.Context, s *postgres.Store) error { _, err := s.FreeNow(ctx, prefix(text)); return err }
}

func givingBack(text string) func(context.Context, *postgres.Store) error {
	return func(ctx context.Context, s *postgres.Store) error {
		_, err := s.GiveBack(ctx, prefix(text))
		return err
	}
}

func removing(text string) func(context.Context, *postgres.Store) error {
	return func(ctx context.Context, s *postgres.Store) error { return s.RemoveBlock(ctx, prefix(text)) }
}

// inUse is a database in which something of each kind is held.
func inUse(t *testing.T) (*rig, metal.DeviceID) {
	r := space(t)
	device := r.provisioned()
	r.take("imported/legacy", "203.0.113.7/32")
	r.take("project/acme", "203.0.113.16/28")
	r.take("imported/gone", "203.0.113.40/30")
	_, err := r.store.GiveBack(t.Context(), prefix("203.0.113.40/30"))
	require.NoError(t, err)
	r.reserve(wanting(1, "203.0.113.128/29"))
	_, err = r.store.AssignPiece(t.Context(), string(wish(1, 0).ID), prefix("203.0.113.129/32"), device)
	require.NoError(t, err)
	require.NoError(t, r.store.AllowProjects(t.Context(), prefix("192.0.2.0/24"), "other"))
	require.NoError(t, r.store.SetQuota(t.Context(), "acme", "reserved-ipv4", 12))
	require.NoError(t, r.store.AddAggregate(t.Context(), metal.Aggregate{Prefix: prefix("198.18.0.0/24")}))
	return r, device
}

func TestWhatCannotBeIsRefusedWithWhatToDoAndChangesNothing(t *testing.T) {
	t.Parallel()
	r, device := inUse(t)
	sized := func(block string, bits int) postgres.TakeWish {
		return postgres.TakeWish{Holder: "imported/x", Ask: "one", Block: prefix(block), Bits: bits}
	}
	elsewhere := func(w metal.ReservationWish, site metal.SiteID, project metal.ProjectID) metal.ReservationWish {
		w.Site, w.Project = site, project
		return w
	}
	for name, c := range map[string]refusal{
		"host bits":           {addBlock("203.0.114.1/24", metal.Public, "lab1"), metal.ErrInvalidPrefix, "it has host bits; write 203.0.114.0/24"},
		"wrong family":        {reserving(metal.ReservationWish{ID: wish(9, 0).ID, Project: "acme", Site: "lab1", Family: 6, Bits: 56, Wanted: prefix("203.0.113.0/28")}), metal.ErrInvalidPrefix, "make them agree"},
		"overlap":             {addBlock("203.0.112.0/22", metal.Public, "lab1"), metal.ErrOverlap, "overlaps block 203.0.113.0/24 (public, lab1)"},
		"inside":              {addBlock("203.0.113.0/28", metal.Public, "lab1"), metal.ErrOverlap, "overlaps block 203.0.113.0/24"},
		"boot service":        {addBlock("127.64.0.0/24", metal.Install, "lab1"), metal.ErrOverlap, "boot service 127.64.0.67 of site lab1 is in it"},
		"no such role":        {addBlock("100.64.0.0/24", "pubic", "lab1"), metal.ErrNotAllowed, "write one of public, private"},
		"no such site":        {addBlock("100.64.0.0/24", metal.Public, "lab9"), metal.ErrNotAllowed, `no site is called "lab9"; import its file first`},
		"around an aggregate": {addBlock("198.18.0.0/16", metal.Public, "lab1"), metal.ErrOverlap, "aggregate 198.18.0.0/24 is smaller"},
		"aggregate in another": {func(ctx context.Context, s *postgres.Store) error {
			return s.AddAggregate(ctx, metal.Aggregate{Prefix: prefix("198.18.0.0/25")})
		}, metal.ErrOverlap, "it lies in aggregate 198.18.0.0/24"},
		"aggregate around one": {func(ctx context.Context, s *postgres.Store) error {
			return s.AddAggregate(ctx, metal.Aggregate{Prefix: prefix("198.18.0.0/15")})
		}, metal.ErrOverlap, "aggregate 198.18.0.0/24 lies in it"},
		"aggregate in use": {func(ctx context.Context, s *postgres.Store) error {
			return s.RemoveAggregate(ctx, prefix("203.0.113.0/24"))
		}, metal.ErrInUse, "block 203.0.113.0/24 was cut from it and 1 more"},
		"no such aggregate":      {func(ctx context.Context, s *postgres.Store) error { return s.RemoveAggregate(ctx, prefix("9.0.0.0/8")) }, metal.ErrInvalidPrefix, "there is none"},
		"size of the block":      {taking(sized("203.0.113.0/24", 23)), metal.ErrInvalidPrefix, "block 203.0.113.0/24 cannot hold it; ask for /24 to /32"},
		"size of no family":      {taking(sized("203.0.113.0/24", 40)), metal.ErrInvalidPrefix, "lengths in 203.0.113.0/24 end at /32"},
		"pool empty":             {taking(sized("203.0.113.0/24", 25)), metal.ErrNoAddress, "block 203.0.113.0/24 has longest free prefix 203.0.113.64/26"},
		"no pool":                {taking(postgres.TakeWish{Holder: "project/acme", Ask: "x", Site: "lab1", Role: metal.Connect, Family: 4, Bits: 31}), metal.ErrNoAddress, "add one, or allow the project"},
		"in quarantine":          {taking(take("imported/x", "203.0.113.40/30")), metal.ErrQuarantined, "203.0.113.40/30 is in quarantine until 2"},
		"in it":                  {taking(take("imported/x", "203.0.113.41/32")), metal.ErrQuarantined, "203.0.113.40/30 is in quarantine until 2"},
		"held":                   {taking(take("imported/x", "203.0.113.7/32")), metal.ErrInUse, "203.0.113.7/32 is in use by imported/legacy"},
		"around what is held":    {taking(take("imported/x", "203.0.113.0/29")), metal.ErrInUse, "203.0.113.7/32 is in use by imported/legacy"},
		"around a block":         {taking(take("imported/x", "203.0.113.128/28")), metal.ErrOverlap, "block 203.0.113.128/29 is within it"},
		"in a reservation":       {taking(take("imported/x", "203.0.113.130/32")), metal.ErrNotAllowed, "is a reservation, whose parts are assigned"},
		"in no block":            {taking(take("imported/x", "198.18.0.1/32")), metal.ErrInvalidPrefix, "in no block; add one"},
		"in no aggregate":        {taking(take("imported/x", "9.9.9.9/32")), metal.ErrInvalidPrefix, "it is in no aggregate"},
		"holder is a device":     {taking(take("device/x", "203.0.113.9/32")), metal.ErrNotAllowed, "write project/… or imported/…"},
		"not for this project":   {taking(take("project/acme", "192.0.2.1/32")), metal.ErrNotAllowed, "add it to the block's projects"},
		"ask is another's":       {taking(postgres.TakeWish{Holder: "imported/legacy", Ask: "203.0.113.7/32", Block: prefix("203.0.113.0/24"), Bits: 30}), metal.ErrInUse, `its "203.0.113.7/32" is 203.0.113.7/32 already`},
		"free what is held":      {freeing("203.0.113.7/32"), metal.ErrInUse, "203.0.113.7/32 is held by imported/legacy"},
		"free around it":         {freeing("203.0.113.0/24"), metal.ErrInUse, "203.0.113.7/32 is held by imported/legacy"},
		"free within it":         {freeing("203.0.113.20/32"), metal.ErrInUse, "203.0.113.16/28 is held by project/acme"},
		"free an assigned one":   {freeing("203.0.113.129/32"), metal.ErrInUse, "203.0.113.129/32 is held by device/" + string(device)},
		"free what is not ours":  {freeing("9.9.9.9/32"), metal.ErrInvalidPrefix, "in no aggregate"},
		"give back a device's":   {givingBack("203.0.113.129/32"), metal.ErrInUse, "deprovision that device, or unassign"},
		"give back a port's":     {givingBack("127.64.128.0/31"), metal.ErrInUse, "is the install link of port/tor-r1:xe-0/0/1"},
		"give back a part":       {givingBack("203.0.113.16/30"), metal.ErrInUse, "project/acme has 203.0.113.16/28"},
		"block in use":           {removing("203.0.113.0/24"), metal.ErrInUse, "block 203.0.113.128/29 of project acme was cut from it"},
		"block with leases":      {removing("198.51.100.0/24"), metal.ErrInUse, "198.51.100.0/31 is held by device/" + string(device)},
		"block with links":       {removing("127.64.128.0/17"), metal.ErrInUse, "127.64.128.0/31 is held by port/tor-r1:xe-0/0/1 and 1 more"},
		"block is a reservation": {removing("203.0.113.128/29"), metal.ErrInUse, "203.0.113.129/32 is held by device/"},
		"no such block":          {removing("203.0.113.0/25"), metal.ErrInvalidPrefix, "there is none; see starter ip block list"},
		"role of a used block": {func(ctx context.Context, s *postgres.Store) error {
			return s.SetBlockRole(ctx, prefix("198.51.100.0/24"), metal.Private, "")
		}, metal.ErrInUse, "is held by device/"},
		"anycast at a site": {func(ctx context.Context, s *postgres.Store) error {
			return s.SetBlockRole(ctx, prefix("172.16.0.0/16"), metal.Anycast, "lab1")
		}, metal.ErrNotAllowed, "anycast is of no site"},
		"list of a project's": {func(ctx context.Context, s *postgres.Store) error {
			return s.AllowProjects(ctx, prefix("203.0.113.128/29"), "other")
		}, metal.ErrNotAllowed, "only pools have lists"},
		"cut more than there is": {func(ctx context.Context, s *postgres.Store) error {
			_, err := s.CutBlock(ctx, metal.Block{Parent: prefix("203.0.113.0/24"), Project: "acme"}, 25)
			return err
		}, metal.ErrNoAddress, "longest free prefix 203.0.113.64/26"},
		"cut the whole": {func(ctx context.Context, s *postgres.Store) error {
			_, err := s.CutBlock(ctx, metal.Block{Parent: prefix("172.16.0.0/16"), Project: "acme"}, 16)
			return err
		}, metal.ErrInvalidPrefix, "that is all of block 172.16.0.0/16"},
		"nest a pool": {func(ctx context.Context, s *postgres.Store) error {
			_, err := s.CutBlock(ctx, metal.Block{Parent: prefix("172.16.0.0/16")}, 24)
			return err
		}, metal.ErrNotAllowed, "pools do not nest"},
		"cut from nowhere": {func(ctx context.Context, s *postgres.Store) error {
			_, err := s.CutBlock(ctx, metal.Block{Parent: prefix("9.0.0.0/8"), Project: "acme"}, 24)
			return err
		}, metal.ErrInvalidPrefix, "it is no block and no aggregate"},
		"cut from a full aggregate": {func(ctx context.Context, s *postgres.Store) error {
			_, err := s.CutBlock(ctx, metal.Block{Parent: prefix("198.51.100.0/24"), Site: "lab1", Role: metal.Public}, 25)
			return err
		}, metal.ErrNotAllowed, "pools do not nest"},
		"quota":                   {reserving(wish(9, 29)), metal.ErrQuota, "project acme has 8 of 12 reserved-ipv4 and asks for 8 more; release some, or raise its quota"},
		"reservation too large":   {reserving(wish(9, 23)), metal.ErrInvalidPrefix, "IPv4 is reserved in /24 to /32"},
		"v6 too small":            {reserving(wish(9, 65)), metal.ErrInvalidPrefix, "IPv6 is reserved in /48 to /64"},
		"reservation nowhere":     {reserving(elsewhere(wish(9, 32), "lab9", "acme")), metal.ErrNotAllowed, `no site is called "lab9"`},
		"reservation of the past": {reserving(wanting(9, "203.0.113.40/32")), metal.ErrQuarantined, "is in quarantine until 2"},
		"reservation of a link":   {reserving(wanting(9, "203.0.113.7/32")), metal.ErrInUse, "is in use by imported/legacy"},
		"reservation of another":  {reserving(wanting(9, "203.0.113.128/32")), metal.ErrInUse, "it lies in block 203.0.113.128/29, which was cut from block 203.0.113.0/24"},
		"reservation outside":     {reserving(wanting(9, "198.18.0.1/32")), metal.ErrNotAllowed, "no public block at site lab1 has it"},
		"anycast not allowed":     {reserving(elsewhere(wish(9, 32), "", "acme")), metal.ErrNoAddress, "or allow the project"},
		"same ID, other wish":     {reserving(wish(1, 32)), metal.ErrOrderConflict, "asked for before, otherwise"},
		"no project":              {reserving(elsewhere(wish(9, 32), "lab1", "A B")), metal.ErrNotAllowed, "is not a name"},
		"release while assigned": {func(ctx context.Context, s *postgres.Store) error {
			_, err := s.Release(ctx, wish(1, 0).ID)
			return err
		},
			metal.ErrInUse, "203.0.113.129/32 is assigned to device/" + string(device) + "; unassign it first"},
		"no such reservation": {func(ctx context.Context, s *postgres.Store) error {
			_, err := s.Approve(ctx, wish(77, 0).ID)
			return err
		},
			metal.ErrUnknownReservation, "see starter ip reservations"},
		"deny what was made": {func(ctx context.Context, s *postgres.Store) error {
			_, err := s.Deny(ctx, wish(1, 0).ID, "no")
			return err
		},
			metal.ErrWrongState, "release it instead"},
		"deny without a reason": {func(ctx context.Context, s *postgres.Store) error {
			_, err := s.Deny(ctx, wish(1, 0).ID, "")
			return err
		},
			metal.ErrNotAllowed, "the project reads it"},
		"unknown resource": {func(ctx context.Context, s *postgres.Store) error { return s.SetQuota(ctx, "acme", "ipv5", 1) },
			metal.ErrNotAllowed, "write one of public-ipv4"},
		"rest of no role": {func(ctx context.Context, s *postgres.Store) error { return s.SetRest(ctx, "pubic", time.Minute) },
			metal.ErrNotAllowed, "write one of anycast"},
		"rest for ever": {func(ctx context.Context, s *postgres.Store) error {
			return s.SetRest(ctx, metal.Public, 9999*time.Hour*24)
		},
			metal.ErrNotAllowed, "write 0s to"},
	} {
		before := r.everything()
		err := c.ask(t.Context(), r.store)
		require.ErrorIs(t, err, c.kind, name)
		require.ErrorContains(t, err, c.says, name)
		require.Equal(t, before, r.everything(), "%s changed something", name)
	}
	r.whole()
}
