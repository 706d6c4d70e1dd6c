package postgres

import (
	"context"
	"fmt"
	"slices"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Memberships are those in an organization, or in a project alone, whichever
// the scope names; and how many there are in all. Search is a part of a name or
// an address.
func (s *Store) Memberships(ctx context.Context, of metal.Scope, search string, p metal.Page) ([]metal.Membership, int, error) {
	organization, project := string(of.Organization), string(of.Project)
	if project != "" {
		organization = ""
	}
	q := s.Queries()
	total, err := q.CountMemberships(ctx, query.CountMembershipsParams{Organization: organization, Project: project, Search: search})
	if err != nil {
		return nil, 0, fmt.Errorf("count memberships: %w", err)
	}
	rows, err := q.ListMemberships(ctx, query.ListMembershipsParams{
		Organization: organization, Project: project, Search: search, Most: int32(p.Limit), Skip: int32(p.Offset),
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list memberships: %w", err)
	}
	return each(rows, func(r query.ListMembershipsRow) metal.Membership {
		return metal.Membership{
			ID: metal.MembershipID(r.ID), User: metal.UserID(r.User), Organization: of.Organization, Project: of.Project,
			Roles: typed[metal.MemberRole](r.Roles), Created: r.CreatedAt, Changed: r.ChangedAt,
		}
	}), int(total), nil
}

// Membership is one; else metal.ErrNotFound.
func (s *Store) Membership(ctx context.Context, id metal.MembershipID) (metal.Membership, error) {
	return membership(ctx, s.Queries(), id)
}

func membership(ctx context.Context, q *query.Queries, id metal.MembershipID) (metal.Membership, error) {
	r, err := q.GetMembership(ctx, string(id))
	return metal.Membership{
		ID: metal.MembershipID(r.ID), User: metal.UserID(r.User), Organization: metal.OrganizationID(r.Organization), Project: metal.ProjectID(r.Project),
		Roles: typed[metal.MemberRole](r.Roles), Created: r.CreatedAt, Changed: r.ChangedAt,
	}, notFound(err, "membership %s", id)
}

// ChangeMembership gives a member other roles. An organization keeps an owner.
func (s *Store) ChangeMembership(ctx context.Context, c metal.Request, id metal.MembershipID, roles []metal.MemberRole) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		if err := keepsOwner(ctx, q, id, roles); err != nil {
			return "", err
		}
		n, err := q.ChangeMembership(ctx, query.ChangeMembershipParams{ID: string(id), Roles: words(roles)})
		return "/memberships/" + string(id), changedOne(n, err, "membership %s", id)
	})
}

// DeleteMembership makes a member a stranger. An organization keeps an owner.
func (s *Store) DeleteMembership(ctx context.Context, c metal.Request, id metal.MembershipID) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		if err := keepsOwner(ctx, q, id, nil); err != nil {
			return "", err
		}
		n, err := q.DeleteMembership(ctx, string(id))
		return "", changedOne(n, err, "membership %s", id)
	})
}

// keepsOwner refuses what would leave an organization without an owner who can
// sign in. Two owners who leave at once wait for each other.
func keepsOwner(ctx context.Context, q *query.Queries, id metal.MembershipID, roles []metal.MemberRole) error {
	m, err := membership(ctx, q, id)
	if err != nil {
		return err
	}
	if _, err := q.LockOrganization(ctx, string(m.Organization)); err != nil {
		return notFound(err, "organization %s", m.Organization)
	}
	if m, err = membership(ctx, q, id); err != nil { // as it is now that nobody else changes it
		return err
	}
	if !slices.Contains(m.Roles, metal.Owner) || slices.Contains(roles, metal.Owner) {
		return nil
	}
	others, err := q.OtherOwners(ctx, query.OtherOwnersParams{Organization: string(m.Organization), Besides: string(id)})
	if err == nil && others == 0 {
		err = fmt.Errorf("role: the organization would have no owner; make somebody else one first: %w", metal.ErrInvalid)
	}
	return err
}

// words are names without the type of what they name.
func words[T ~string](names []T) []string {
	return each(names, func(name T) string { return string(name) })
}
