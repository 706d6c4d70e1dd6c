package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Resources are what quotas are of: addresses of IPv4, of devices' links and
// reservations together or of reservations alone; /64s of IPv6; devices in all.
// Those of one plan are devicesOf it.
var Resources = []string{"public-ipv4", "reserved-ipv4", "reserved-ipv6", "devices"}

// devicesOf names a quota of devices of one plan: devices/c1.small.
const devicesOf = "devices/"

// checkQuota refuses what would take a project beyond what it may have of a
// resource. It holds until the transaction ends, so that two asks cannot both
// fit.
func checkQuota(ctx context.Context, q *query.Queries, project metal.ProjectID, resource string, more float64) error {
	if err := q.LockQuota(ctx, string(project)); err != nil {
		return fmt.Errorf("quota of project %s: %w", project, err)
	}
	row, err := q.QuotaOf(ctx, query.QuotaOfParams{Project: string(project), Resource: resource})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("quota of project %s: %w", project, err)
	}
	if has := inUse(row); has+more > float64(row.Most) {
		return fmt.Errorf("project %s has %.0f of %d %s and asks for %.0f more; release some, or raise its quota: %w",
			project, has, row.Most, resource, more, metal.ErrQuota)
	}
	return nil
}

// checkDeviceQuota refuses more devices than a project may have, in all or of a
// plan. A device counts until its machine is free again.
func checkDeviceQuota(ctx context.Context, q *query.Queries, project metal.ProjectID, plan metal.PlanID, more int) error {
	if err := checkQuota(ctx, q, project, "devices", float64(more)); err != nil {
		return err
	}
	return checkQuota(ctx, q, project, devicesOf+string(plan), float64(more))
}

func inUse(row query.QuotaOfRow) float64 { return row.Links + row.Reserved + row.Devices }

// Quotas lists the quotas of a project; of all where it is empty. Where there
// is none there is no limit.
func (s *Store) Quotas(ctx context.Context, project metal.ProjectID) ([]metal.Quota, error) {
	q := s.Queries()
	rows, err := q.ListQuotas(ctx, string(project))
	if err != nil {
		return nil, fmt.Errorf("list quotas: %w", err)
	}
	all := make([]metal.Quota, len(rows))
	for i, r := range rows {
		use, err := q.QuotaOf(ctx, query.QuotaOfParams{Project: r.Project, Resource: r.Resource})
		if err != nil {
			return nil, fmt.Errorf("quota of project %s: %w", r.Project, err)
		}
		all[i] = metal.Quota{Project: metal.ProjectID(r.Project), Resource: r.Resource, Most: r.Most, Has: inUse(use)}
	}
	return all, nil
}

// SetQuota limits a project; a negative number lifts the limit. What it has
// above it, it keeps. Safe to repeat.
func (s *Store) SetQuota(ctx context.Context, project metal.ProjectID, resource string, most int64) error {
	if err := metal.CheckProject(project); err != nil {
		return err
	}
	if err := s.checkResource(ctx, project, resource); err != nil {
		return err
	}
	if most < 0 {
		return s.Queries().DropQuota(ctx, query.DropQuotaParams{Project: string(project), Resource: resource})
	}
	return s.Queries().SetQuota(ctx, query.SetQuotaParams{Project: string(project), Resource: resource, Most: most})
}

func (s *Store) checkResource(ctx context.Context, project metal.ProjectID, resource string) error {
	plan, ofDevices := strings.CutPrefix(resource, devicesOf)
	if !ofDevices {
		if slices.Contains(Resources, resource) {
			return nil
		}
		return fmt.Errorf("quota of project %s: %w: no resource is called %q; write one of %s, %s<plan>",
			project, metal.ErrNotAllowed, resource, strings.Join(Resources, ", "), devicesOf)
	}
	known, err := s.Queries().HasPlan(ctx, plan)
	if err != nil {
		return fmt.Errorf("quota of project %s: look up plan %s: %w", project, plan, err)
	}
	if !known {
		return fmt.Errorf("quota of project %s: %w: no plan is called %q", project, metal.ErrNotAllowed, plan)
	}
	return nil
}
