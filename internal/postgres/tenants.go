package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// notFound says what it is that has no row.
func notFound(err error, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%s: %w", what, metal.ErrNotFound)
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// changedOne is notFound for statements that say how many rows they changed.
func changedOne(n int64, err error, format string, args ...any) error {
	if err == nil && n == 0 {
		err = pgx.ErrNoRows
	}
	return notFound(err, format, args...)
}

// twice says in words that something is there already, where an index did.
func twice(err error, index, format string, args ...any) error {
	var sql *pgconn.PgError
	if errors.As(err, &sql) && sql.Code == "23505" && strings.HasPrefix(sql.ConstraintName, index) {
		return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), metal.ErrInvalid)
	}
	return err
}

func each[A, B any](from []A, f func(A) B) []B {
	to := make([]B, len(from))
	for i, a := range from {
		to[i] = f(a)
	}
	return to
}

// counted puts what there is into words: "2 devices, 1 reservations of
// addresses"; nothing where there is nothing.
func counted(of map[string]int64) string {
	var all []string
	for _, what := range slices.Sorted(maps.Keys(of)) {
		if of[what] > 0 {
			all = append(all, fmt.Sprintf("%d %s", of[what], what))
		}
	}
	return strings.Join(all, ", ")
}

// settle gives a user who is at home nowhere an organization of its own. Two of
// its first requests wait for each other, and get the same one.
func settle(ctx context.Context, q *query.Queries, user metal.UserID, home metal.Organization) (metal.OrganizationID, error) {
	if _, err := q.LockUser(ctx, string(user)); err != nil {
		return "", notFound(err, "user %s", user)
	}
	has, err := q.HomeOf(ctx, string(user))
	if err != nil {
		return "", fmt.Errorf("organization of user %s: %w", user, err)
	}
	if has.Home != "" {
		return metal.OrganizationID(has.Home), nil
	}
	return home.ID, foundOrganization(ctx, q, home, user)
}

// foundOrganization makes an organization with its first owner.
func foundOrganization(ctx context.Context, q *query.Queries, o metal.Organization, owner metal.UserID) error {
	err := q.InsertOrganization(ctx, query.InsertOrganizationParams{
		ID: string(o.ID), Name: o.Name, Description: o.Description, Website: o.Website,
		Address: orEmpty(o.Address), BillingAddress: orEmpty(o.BillingAddress), CustomData: orEmpty(o.CustomData),
	})
	if err != nil {
		return fmt.Errorf("make organization %s: %w", o.ID, err)
	}
	return q.InsertMembership(ctx, query.InsertMembershipParams{
		ID: uuid.NewString(), Member: string(owner), Organization: string(o.ID), Roles: []string{string(metal.Owner)},
	})
}
