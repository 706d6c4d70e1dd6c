package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// projectFilter says which of the projects that a caller may see are wanted;
// empty fields are about all of them.
type projectFilter = query.CountProjectsParams

// Projects are those that a caller may see, of one organization or of all, by
// name or all; and how many there are in all.
func (s *Store) Projects(ctx context.Context, c metal.Caller, of metal.OrganizationID, name string, p metal.Page) ([]metal.Project, int, error) {
	q := s.Queries()
	f := projectFilter{Everywhere: c.Operator, Single: string(c.Project), Member: string(c.User), Organization: string(of), Name: name}
	total, err := q.CountProjects(ctx, f)
	if err != nil {
		return nil, 0, fmt.Errorf("count the projects of %s: %w", c.Name(), err)
	}
	rows, err := q.ListProjects(ctx, query.ListProjectsParams{
		Everywhere: f.Everywhere, Single: f.Single, Member: f.Member, Organization: f.Organization, Name: f.Name,
		Most: int32(p.Limit), Skip: int32(p.Offset),
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list the projects of %s: %w", c.Name(), err)
	}
	return each(rows, func(r query.ListProjectsRow) metal.Project { return projectOf(query.ShowProjectRow(r)) }), int(total), nil
}

// Project is one that is not deleted; else metal.ErrNotFound.
func (s *Store) Project(ctx context.Context, id metal.ProjectID) (metal.Project, error) {
	row, err := s.Queries().ShowProject(ctx, string(id))
	return projectOf(row), notFound(err, "project %s", id)
}

func projectOf(r query.ShowProjectRow) metal.Project {
	return metal.Project{
		ID: metal.ProjectID(r.ID), Organization: metal.OrganizationID(r.Organization), Name: r.Name, CustomData: r.CustomData,
		Tags: r.Tags, Created: r.CreatedAt, Changed: r.ChangedAt, Members: typed[metal.UserID](r.Members),
		Memberships: typed[metal.MembershipID](r.Memberships), Invitations: typed[metal.InvitationID](r.Invitations),
		SSHKeys: typed[metal.SSHKeyID](r.SshKeys),
	}
}

// CreateProject makes a project in its organization. Where that one has to be
// made first, home is it, and the caller becomes its owner; unless the caller
// has got one meanwhile.
func (s *Store) CreateProject(ctx context.Context, c metal.Request, p metal.Project, home *metal.Organization) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		if home != nil {
			at, err := settle(ctx, q, c.Caller.User, *home)
			if err != nil {
				return "", err
			}
			p.Organization = at
		}
		if _, err := q.HoldOrganization(ctx, string(p.Organization)); err != nil {
			return "", notFound(err, "organization %s", p.Organization)
		}
		return "/projects/" + string(p.ID), insertProject(ctx, q, p)
	})
}

func insertProject(ctx context.Context, q *query.Queries, p metal.Project) error {
	err := q.InsertProject(ctx, query.InsertProjectParams{
		ID: string(p.ID), Organization: string(p.Organization), Name: p.Name, CustomData: orEmpty(p.CustomData), Tags: notNil(p.Tags),
	})
	return twice(err, "projects_pkey", "project: %s is there already, or was; give it another ID", p.ID)
}

// HomeOf is the organization that a user's projects go into where it names
// none. metal.ErrNotFound: it may make projects in none; alone says that it is
// in none at all.
func (s *Store) HomeOf(ctx context.Context, user metal.UserID) (home metal.OrganizationID, alone bool, err error) {
	found, err := s.Queries().HomeOf(ctx, string(user))
	if err == nil && found.Home == "" {
		err = metal.ErrNotFound
	}
	if err != nil {
		err = fmt.Errorf("organization of user %s: %w", user, err)
	}
	return metal.OrganizationID(found.Home), found.Alone, err
}

// ChangeProject changes what it is called, and the like.
func (s *Store) ChangeProject(ctx context.Context, c metal.Request, id metal.ProjectID, to metal.ProjectChange) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		n, err := q.ChangeProject(ctx, query.ChangeProjectParams{ID: string(id), Name: to.Name, CustomData: to.CustomData, Tags: to.Tags})
		return "/projects/" + string(id), changedOne(n, err, "project %s", id)
	})
}

// DeleteProject refuses while something in it is alive, and says what. Its keys
// open nothing from then on, and nothing is ordered in it.
func (s *Store) DeleteProject(ctx context.Context, c metal.Request, id metal.ProjectID) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		if _, err := q.LockProject(ctx, string(id)); err != nil {
			return "", notFound(err, "project %s", id)
		}
		alive, err := q.AliveInProject(ctx, string(id))
		if err != nil {
			return "", fmt.Errorf("look what is alive in project %s: %w", id, err)
		}
		if has := livingIn(alive); has != "" {
			return "", fmt.Errorf("project: it still has %s; delete them first: %w", has, metal.ErrInUse)
		}
		return "/projects/" + string(id), errors.Join(
			q.RevokeKeysOfProject(ctx, string(id)), q.DeleteSSHKeysOfProject(ctx, string(id)), q.DeleteProject(ctx, string(id)))
	})
}

func livingIn(alive query.AliveInProjectRow) string {
	return counted(map[string]int64{
		"devices": alive.Devices, "reservations of addresses": alive.Reservations, "hardware reservations": alive.Hardware,
	})
}

// openProject refuses a project that was deleted, and keeps it from being
// deleted until the transaction ends. One without a row takes everything: it is
// a billing system's own.
func openProject(ctx context.Context, q *query.Queries, id metal.ProjectID) error {
	open, err := q.HoldProject(ctx, string(id))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look whether project %s takes orders: %w", id, err)
	case !open:
		return invalid("project", "%s was deleted; order in another one", id)
	}
	return nil
}
