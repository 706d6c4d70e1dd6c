package postgres

import (
	"context"
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Organizations are those that a caller is a member of, by name or all; and how
// many there are in all.
func (s *Store) Organizations(ctx context.Context, c metal.Caller, name string, p metal.Page) ([]metal.Organization, int, error) {
	q := s.Queries()
	total, err := q.CountOrganizations(ctx, query.CountOrganizationsParams{Everywhere: c.Operator, Member: string(c.User), Name: name})
	if err != nil {
		return nil, 0, fmt.Errorf("count the organizations of %s: %w", c.Name(), err)
	}
	rows, err := q.ListOrganizations(ctx, query.ListOrganizationsParams{
		Everywhere: c.Operator, Member: string(c.User), Name: name, Most: int32(p.Limit), Skip: int32(p.Offset),
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list the organizations of %s: %w", c.Name(), err)
	}
	return each(rows, func(r query.ListOrganizationsRow) metal.Organization {
		return organizationOf(query.ShowOrganizationRow(r))
	}), int(total), nil
}

// Organization is one that is not deleted; else metal.ErrNotFound.
func (s *Store) Organization(ctx context.Context, id metal.OrganizationID) (metal.Organization, error) {
	row, err := s.Queries().ShowOrganization(ctx, string(id))
	return organizationOf(row), notFound(err, "organization %s", id)
}

func organizationOf(r query.ShowOrganizationRow) metal.Organization {
	return metal.Organization{
		ID: metal.OrganizationID(r.ID), Name: r.Name, Description: r.Description, Website: r.Website, Address: r.Address,
		BillingAddress: r.BillingAddress, CustomData: r.CustomData, Created: r.CreatedAt, Changed: r.ChangedAt,
		Members: typed[metal.UserID](r.Members), Memberships: typed[metal.MembershipID](r.Memberships), Projects: typed[metal.ProjectID](r.Projects),
	}
}

// CreateOrganization makes an organization with its first owner.
func (s *Store) CreateOrganization(ctx context.Context, c metal.Request, o metal.Organization, owner metal.UserID) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		return "/organizations/" + string(o.ID), foundOrganization(ctx, q, o, owner)
	})
}

// ChangeOrganization changes what it is called, and the like.
func (s *Store) ChangeOrganization(ctx context.Context, c metal.Request, id metal.OrganizationID, to metal.OrganizationChange) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		n, err := q.ChangeOrganization(ctx, query.ChangeOrganizationParams{
			ID: string(id), Name: to.Name, Description: to.Description, Website: to.Website,
			Address: to.Address, BillingAddress: to.BillingAddress, CustomData: to.CustomData,
		})
		return "/organizations/" + string(id), changedOne(n, err, "organization %s", id)
	})
}

// DeleteOrganization refuses while it has projects.
func (s *Store) DeleteOrganization(ctx context.Context, c metal.Request, id metal.OrganizationID) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		if _, err := q.LockOrganization(ctx, string(id)); err != nil {
			return "", notFound(err, "organization %s", id)
		}
		projects, err := q.LiveProjectsOf(ctx, string(id))
		if err != nil {
			return "", fmt.Errorf("count the projects of organization %s: %w", id, err)
		}
		if projects > 0 {
			return "", fmt.Errorf("organization: it still has %d projects; delete them first: %w", projects, metal.ErrInUse)
		}
		return "/organizations/" + string(id), q.DeleteOrganization(ctx, string(id))
	})
}
