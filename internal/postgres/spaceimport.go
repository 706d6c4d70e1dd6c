package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// errDry takes back what a dry run wrote.
var errDry = errors.New("a dry run")

// ImportSpace adds what a plan says and the database does not have, all of it
// or nothing, and answers what that was. It moves nothing that is there: then
// the error is ipam.Problems. A dry run does the same and takes it back. Safe
// to repeat: then there is nothing to add.
func (s *Store) ImportSpace(ctx context.Context, plan ipam.Plan, dry bool) (added ipam.Plan, err error) {
	err = s.retried(ctx, func(q *query.Queries) (err error) {
		if added, err = missing(ctx, q, plan); err != nil {
			return err
		}
		if err := apply(ctx, q, added); err != nil {
			return err
		}
		if dry {
			return errDry
		}
		return nil
	})
	if errors.Is(err, errDry) {
		err = nil
	}
	return added, err
}

// missing compares a plan with what is there, under locks against other imports
// and operators. Leases go on meanwhile.
func missing(ctx context.Context, q *query.Queries, plan ipam.Plan) (ipam.Plan, error) {
	if err := q.LockImports(ctx); err != nil {
		return plan, err
	}
	if err := q.LockSpace(ctx); err != nil {
		return plan, err
	}
	shot, assumed, err := snapshot(ctx, q, netip.Prefix{})
	if err != nil {
		return plan, err
	}
	shot.Aggregates = named(shot.Aggregates, assumed, plan)
	added, err := plan.Against(shot)
	if err != nil {
		return added, err
	}
	return added, strangers(ctx, q, added)
}

// named leaves out aggregates that were only assumed and that the plan knows
// better: it names them, or one around them.
func named(aggregates []metal.Aggregate, assumed map[netip.Prefix]bool, plan ipam.Plan) (kept []metal.Aggregate) {
	for _, a := range aggregates {
		known := false
		for _, w := range plan.Aggregates {
			known = known || ipam.Covers(w.Thing.Prefix, a.Prefix)
		}
		if !assumed[a.Prefix] || !known {
			kept = append(kept, a)
		}
	}
	return kept
}

// strangers refuses sites and devices that there are none of here.
func strangers(ctx context.Context, q *query.Queries, plan ipam.Plan) error {
	sites, err := q.KnownSites(ctx)
	if err != nil {
		return fmt.Errorf("read sites: %w", err)
	}
	var problems ipam.Problems
	for _, b := range plan.Blocks {
		if site := string(b.Thing.Site); site != "" && !has(sites, func(s string) bool { return s == site }) {
			problems = append(problems, ipam.Problem{At: b.At, Kind: metal.ErrNotAllowed,
				Text: fmt.Sprintf("block %s: no site is called %q; import its site file first", b.Thing.Prefix, site)})
		}
		if boots, err := q.BootServicesIn(ctx, b.Thing.Prefix); err != nil {
			return fmt.Errorf("block %s: %w", b.Thing.Prefix, err)
		} else if len(boots) > 0 {
			problems = append(problems, ipam.Problem{At: b.At, Kind: metal.ErrOverlap,
				Text: fmt.Sprintf("block %s: boot service %s of site %s is in it; take it out", b.Thing.Prefix, boots[0].Boot, boots[0].Site)})
		}
	}
	var devices []string
	for _, l := range plan.Leases {
		if id, ok := strings.CutPrefix(string(l.Thing.Holder), metal.DeviceHolder); ok {
			devices = append(devices, id)
		}
	}
	known, err := q.KnownDevices(ctx, notNil(devices))
	if err != nil {
		return fmt.Errorf("read devices: %w", err)
	}
	for _, l := range plan.Leases {
		id, ok := strings.CutPrefix(string(l.Thing.Holder), metal.DeviceHolder)
		if ok && !has(known, func(d query.KnownDevicesRow) bool { return d.ID == id }) {
			problems = append(problems, ipam.Problem{At: l.At, Kind: metal.ErrUnknownDevice,
				Text: fmt.Sprintf("lease %s: there is no device %s here; write imported/%s as its holder, or take the line out", l.Thing.Prefix, id, id)})
		}
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// apply writes what is missing, outer before inner: the order of the plan.
func apply(ctx context.Context, q *query.Queries, plan ipam.Plan) error {
	for _, a := range plan.Aggregates {
		if err := addAggregate(ctx, q, a.Thing); err != nil {
			return fmt.Errorf("%s:%d: %w", a.At.File, a.At.Line, err)
		}
	}
	for _, b := range plan.Blocks {
		if err := applyBlock(ctx, q, b.Thing); err != nil {
			return fmt.Errorf("%s:%d: %w", b.At.File, b.At.Line, err)
		}
	}
	return applyLeases(ctx, q, plan.Leases)
}

func applyBlock(ctx context.Context, q *query.Queries, b metal.Block) error {
	params := query.PlaceBlockParams{Prefix: b.Prefix, Site: string(b.Site), Role: string(b.Role),
		Purpose: string(b.Purpose), Project: string(b.Project), Note: b.Note}
	if b.Purpose != metal.Pool {
		params.Parent = &b.Parent
	}
	if err := q.PlaceBlock(ctx, params); err != nil {
		return fmt.Errorf("block %s: %w", b.Prefix, err)
	}
	if len(b.Projects) > 0 {
		if err := q.AllowProjects(ctx, query.AllowProjectsParams{Block: b.Prefix, Projects: projectNames(b.Projects)}); err != nil {
			return fmt.Errorf("block %s: its projects: %w", b.Prefix, err)
		}
	}
	made := b.MadeAt
	if made.IsZero() {
		made = time.Now()
	} else if err := q.DateBlock(ctx, query.DateBlockParams{Prefix: b.Prefix, MadeAt: made}); err != nil {
		return fmt.Errorf("block %s: %w", b.Prefix, err)
	}
	if b.Purpose != metal.Reservation {
		return nil
	}
	return q.ImportReservation(ctx, query.ImportReservationParams{ID: uuid.NewString(), Project: string(b.Project), Site: string(b.Site),
		Len: int32(b.Prefix.Bits()), Family: int32(ipam.Family(b.Prefix)), Prefix: b.Prefix, Note: b.Note, At: made})
}

// importedAtOnce bounds one statement.
const importedAtOnce = 5000

func applyLeases(ctx context.Context, q *query.Queries, leases []ipam.Wanted[ipam.Lease]) error {
	for len(leases) > 0 {
		n := min(len(leases), importedAtOnce)
		if err := q.ImportPieces(ctx, batch(leases[:n])); err != nil {
			return fmt.Errorf("import leases from %s:%d on: %w", leases[0].At.File, leases[0].At.Line, err)
		}
		leases = leases[n:]
	}
	return nil
}

func batch(leases []ipam.Wanted[ipam.Lease]) (p query.ImportPiecesParams) {
	for _, w := range leases {
		l := w.Thing
		p.Prefixes, p.Holders, p.Asks = append(p.Prefixes, l.Prefix), append(p.Holders, string(l.Holder)), append(p.Asks, l.Ask)
		p.Since, p.Until = append(p.Since, l.Since), append(p.Until, l.FreedAt) // zero where nobody said
	}
	return p
}
