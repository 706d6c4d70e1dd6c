package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// checkQuota refuses what would take a project beyond what it may have of a
// resource: addresses of IPv4, /64s of IPv6. It holds until the transaction
// ends, so that two asks cannot both fit.
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
	if has := row.Links + row.Reserved; has+more > float64(row.Most) {
		return fmt.Errorf("project %s has %.0f of %d %s and asks for %.0f more; release some, or raise its quota: %w",
			project, has, row.Most, resource, more, metal.ErrQuota)
	}
	return nil
}
