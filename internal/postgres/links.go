package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// linkWish is one of the links that every device gets. A project has blocks of
// its own for some, so that its machines stand together and a filter or a
// route can name them all.
type linkWish struct {
	ask    string // which of the device's leases it is
	role   metal.Role
	family int32
	bits   int32
	own    int32 // length of the project's own blocks; 0: straight from the site's
}

var (
	// links are of a machine whose ports are one, a bundle counting as one.
	links = []linkWish{
		{ask: "public4", role: metal.Public, family: 4, bits: 31},
		{ask: "private4", role: metal.Private, family: 4, bits: 31, own: 25},
		{ask: "public6", role: metal.Public, family: 6, bits: 127, own: 56},
	}
	// loopbacks are of a machine on several switches: it announces them to each.
	loopbacks = []linkWish{
		{ask: loopbackAsk + "4", role: metal.Public, family: 4, bits: 32},
		{ask: loopbackAsk + "6", role: metal.Public, family: 6, bits: 128, own: 56},
	}
	// further is the link of each port after the first, to peer over.
	further = linkWish{ask: "private4", role: metal.Private, family: 4, bits: 31, own: 25}
)

// loopbackAsk begins the asks for what a machine has on its loopback.
const loopbackAsk = "loopback"

// wishes are the leases of a device that wants these links, on a machine with so
// many ports. A loopback takes the place of the public link of its family.
func wishes(wanted []string, ports int) (all []linkWish) {
	for _, w := range links {
		if slices.Contains(wanted, w.ask) {
			all = append(all, w)
		}
	}
	for _, w := range loopbacks {
		if ports > 1 && slices.Contains(wanted, fmt.Sprintf("public%d", w.family)) {
			all = append(all, w)
		}
	}
	for port := 1; port < ports; port++ {
		w := further
		w.ask += portMark + strconv.Itoa(port)
		all = append(all, w)
	}
	return all
}

// portMark comes before the position of the port that a link belongs to, in the
// asks of ports after the first.
const portMark = "@"

func portOfAsk(ask string) int32 {
	_, position, _ := strings.Cut(ask, portMark)
	n, _ := strconv.ParseInt(position, 10, 32) // nothing: the first
	return int32(n)
}

// refill is the room, in addresses (of IPv6, in links), below which a project's
// own blocks get another one: before they run out, so that a burst of orders
// does not wait for it.
const refill = 32

// lease gives the device the links it lacks and lists all it has.
func lease(ctx context.Context, q *query.Queries, d query.Device, machine string) (string, error) {
	held, err := q.LeasesOfDevice(ctx, d.ID)
	if err != nil {
		return "", err
	}
	if len(held) == 0 && slices.Contains(d.Links, "public4") { // a repeat has its links, and they count already
		if err := checkQuota(ctx, q, metal.ProjectID(d.Project), "public-ipv4", 2); err != nil {
			return "", err
		}
	}
	ports, err := q.PortsOfMachine(ctx, machine)
	if err != nil {
		return "", err
	}
	for _, want := range wishes(d.Links, len(ports)) {
		if err := leaseLink(ctx, q, d, want); err != nil {
			return "", fmt.Errorf("lease a %s IPv%d /%d at %s for project %s: %w", want.role, want.family, want.bits, d.Site, d.Project, err)
		}
	}
	held, err = q.LeasesOfDevice(ctx, d.ID)
	var all []string
	for _, l := range held {
		all = append(all, l.Prefix.String())
	}
	return strings.Join(all, ", "), err
}

func leaseLink(ctx context.Context, q *query.Queries, d query.Device, want linkWish) error {
	pools, err := q.Pools(ctx, query.PoolsParams{Site: d.Site, Role: string(want.role), Family: want.family, Project: d.Project})
	if err != nil {
		return err
	}
	blocks := prefixes(pools)
	if splits(pools, want.own) {
		if blocks, err = ownBlocks(ctx, q, d, want, blocks); err != nil {
			return err
		}
	}
	_, err = takeFrom(ctx, q, blocks, want.bits, metal.DeviceHolder+d.ID, want.ask)
	return err
}

// splits tells whether a site's blocks are large enough for blocks of projects.
// One that is no larger than a project's would be gives links to all.
func splits(pools []query.Block, own int32) bool {
	return own > 0 && slices.ContainsFunc(pools, func(b query.Block) bool { return b.Prefix.Bits() < int(own) })
}

// ownBlocks are the project's own, one more of them when they run low.
func ownBlocks(ctx context.Context, q *query.Queries, d query.Device, want linkWish, pools []netip.Prefix) ([]netip.Prefix, error) {
	own, room, err := ownRoom(ctx, q, d, want)
	if err != nil || room >= refill {
		return own, err
	}
	err = q.LockOwnBlocks(ctx, query.LockOwnBlocksParams{Project: d.Project, Site: d.Site, Role: string(want.role), Family: want.family})
	if err != nil {
		return nil, err
	}
	if own, room, err = ownRoom(ctx, q, d, want); err != nil || room >= refill { // somebody else has cut one
		return own, err
	}
	block, err := cutFrom(ctx, q, pools, want.own, metal.Own, metal.ProjectID(d.Project))
	if errors.Is(err, metal.ErrNoAddress) && room > 0 {
		return own, nil // low, and not empty yet
	}
	return append(own, block), err
}

func ownRoom(ctx context.Context, q *query.Queries, d query.Device, want linkWish) (own []netip.Prefix, room float64, err error) {
	rows, err := q.OwnBlocks(ctx, query.OwnBlocksParams{Site: d.Site, Role: string(want.role), Family: want.family, Project: d.Project})
	for _, b := range rows {
		own = append(own, b.Prefix)
		room += b.Free
	}
	return own, room, err
}

func prefixes(blocks []query.Block) []netip.Prefix {
	all := make([]netip.Prefix, len(blocks))
	for i, b := range blocks {
		all[i] = b.Prefix
	}
	return all
}

// takeFrom leases a prefix from the first block that has room.
func takeFrom(ctx context.Context, q *query.Queries, blocks []netip.Prefix, bits int32, holder, ask string) (netip.Prefix, error) {
	for _, b := range blocks {
		got, err := q.TakePrefixes(ctx, query.TakePrefixesParams{Block: b, Len: bits, Holders: []string{holder}, Asks: []string{ask}})
		if err != nil {
			return netip.Prefix{}, err
		}
		if len(got) == 1 {
			return got[0].Prefix, nil
		}
	}
	return netip.Prefix{}, noRoom(ctx, q, blocks, bits)
}

// cutFrom makes a block of the first of some that has room for it.
func cutFrom(ctx context.Context, q *query.Queries, blocks []netip.Prefix, bits int32, purpose metal.Purpose, project metal.ProjectID) (netip.Prefix, error) {
	for _, b := range blocks {
		if b.Bits() >= int(bits) {
			continue
		}
		made, err := q.CutBlock(ctx, query.CutBlockParams{Parent: b, Len: bits, Purpose: string(purpose), Project: string(project)})
		if err != nil || made.Bits() != 0 {
			return made, err
		}
	}
	return netip.Prefix{}, noRoom(ctx, q, blocks, bits)
}

// noRoom names the blocks that were looked into, and what they still have.
func noRoom(ctx context.Context, q *query.Queries, blocks []netip.Prefix, bits int32) error {
	if len(blocks) == 0 {
		return fmt.Errorf("the site has no such block that the project may take from; add one, or allow the project: %w", metal.ErrNoAddress)
	}
	var all []string
	for _, b := range blocks {
		longest, err := q.LongestFree(ctx, b)
		if err != nil {
			return err
		}
		left := "nothing free"
		if longest.Bits() != 0 {
			left = "longest free prefix " + longest.String()
		}
		all = append(all, fmt.Sprintf("block %s has %s", b, left))
	}
	return fmt.Errorf("no /%d is free: %s; add a block, or wait for addresses to leave quarantine: %w", bits, strings.Join(all, ", "), metal.ErrNoAddress)
}
