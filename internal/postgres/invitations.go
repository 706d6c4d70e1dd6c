package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Invitations are the open ones into an organization or a project; or, where
// the scope names neither, to an address; and how many there are in all.
func (s *Store) Invitations(ctx context.Context, of metal.Scope, email string, p metal.Page) ([]metal.Invitation, int, error) {
	organization, project := string(of.Organization), string(of.Project)
	if project != "" {
		organization = ""
	}
	q := s.Queries()
	total, err := q.CountInvitations(ctx, query.CountInvitationsParams{Organization: organization, Project: project, Email: email})
	if err != nil {
		return nil, 0, fmt.Errorf("count invitations: %w", err)
	}
	rows, err := q.ListInvitations(ctx, query.ListInvitationsParams{
		Organization: organization, Project: project, Email: email, Most: int32(p.Limit), Skip: int32(p.Offset),
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list invitations: %w", err)
	}
	return each(rows, invitationOf), int(total), nil
}

// Invitation is one that is open; else metal.ErrNotFound.
func (s *Store) Invitation(ctx context.Context, id metal.InvitationID) (metal.Invitation, error) {
	row, err := s.Queries().GetInvitation(ctx, string(id))
	return invitationOf(row), notFound(err, "invitation %s", id)
}

func invitationOf(r query.Invitation) metal.Invitation {
	return metal.Invitation{
		ID: metal.InvitationID(r.ID), Email: r.Email, Organization: metal.OrganizationID(r.Organization), Projects: typed[metal.ProjectID](r.Projects),
		Roles: typed[metal.MemberRole](r.Roles), Message: r.Message, By: metal.UserID(r.InvitedBy), Created: r.CreatedAt, Expires: r.ExpiresAt,
	}
}

// Invite asks somebody in. The same twice is refused while the first is open.
func (s *Store) Invite(ctx context.Context, c metal.Request, i metal.Invitation) error {
	slices.Sort(i.Projects)
	i.Projects = slices.Compact(i.Projects)
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		if _, err := q.LockOrganization(ctx, string(i.Organization)); err != nil {
			return "", notFound(err, "organization %s", i.Organization)
		}
		if err := projectsAre(ctx, q, i); err != nil {
			return "", err
		}
		is := query.InvitedAlreadyParams{Email: i.Email, Organization: string(i.Organization), Projects: words(i.Projects)}
		if already, err := q.InvitedAlready(ctx, is); err != nil || already {
			return "", cmp.Or(err, fmt.Errorf("invitee: %s was invited already; withdraw that invitation first: %w", i.Email, metal.ErrInvalid))
		}
		return "/invitations/" + string(i.ID), q.InsertInvitation(ctx, query.InsertInvitationParams{
			ID: string(i.ID), Email: i.Email, Organization: string(i.Organization), Projects: words(i.Projects),
			Roles: words(i.Roles), Message: i.Message, InvitedBy: string(i.By),
		})
	})
}

// projectsAre refuses projects that are not the organization's.
func projectsAre(ctx context.Context, q *query.Queries, i metal.Invitation) error {
	alive, err := q.LiveProjectsAmong(ctx, query.LiveProjectsAmongParams{Organization: string(i.Organization), Ids: words(i.Projects)})
	if err != nil {
		return fmt.Errorf("projects of organization %s: %w", i.Organization, err)
	}
	unknown := slices.DeleteFunc(words(i.Projects), func(id string) bool { return slices.Contains(alive, id) })
	if len(unknown) > 0 {
		return fmt.Errorf("projects_ids: not of this organization: %s: %w", strings.Join(unknown, ", "), metal.ErrInvalid)
	}
	return nil
}

// Accept makes a member of who was invited, and says of which membership: the
// first, where the invitation leads to several projects.
func (s *Store) Accept(ctx context.Context, c metal.Request, id metal.InvitationID) (member metal.MembershipID, err error) {
	err = s.change(ctx, c, func(q *query.Queries) (string, error) {
		row, err := q.LockInvitation(ctx, string(id))
		if err != nil {
			return "", notFound(err, "invitation %s", id)
		}
		member, err = join(ctx, q, invitationOf(row), c.Caller.User)
		if err != nil {
			return "", err
		}
		return "/memberships/" + string(member), q.EndInvitation(ctx, query.EndInvitationParams{ID: string(id), Outcome: "accepted"})
	})
	return member, err
}

func join(ctx context.Context, q *query.Queries, i metal.Invitation, user metal.UserID) (metal.MembershipID, error) {
	if _, err := q.HoldOrganization(ctx, string(i.Organization)); err != nil {
		return "", notFound(err, "organization %s", i.Organization)
	}
	if len(i.Projects) == 0 {
		id, err := q.JoinOrganization(ctx, query.JoinOrganizationParams{
			ID: uuid.NewString(), Member: string(user), Organization: string(i.Organization), Roles: words(i.Roles),
		})
		return metal.MembershipID(id), err
	}
	alive, err := q.LiveProjectsAmong(ctx, query.LiveProjectsAmongParams{Organization: string(i.Organization), Ids: words(i.Projects)})
	if err != nil || len(alive) == 0 {
		return "", cmp.Or(err, fmt.Errorf("invitation %s: its projects were deleted: %w", i.ID, metal.ErrInvalid))
	}
	var first metal.MembershipID
	for _, project := range alive {
		id, err := q.JoinProject(ctx, query.JoinProjectParams{ID: uuid.NewString(), Member: string(user), Project: project, Roles: words(i.Roles)})
		if err != nil {
			return "", fmt.Errorf("join project %s: %w", project, err)
		}
		first = cmp.Or(first, metal.MembershipID(id))
	}
	return first, nil
}

// Dismiss ends an invitation that nobody accepted: declined or withdrawn.
func (s *Store) Dismiss(ctx context.Context, c metal.Request, id metal.InvitationID, outcome string) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		if _, err := q.LockInvitation(ctx, string(id)); err != nil {
			return "", notFound(err, "invitation %s", id)
		}
		return "", q.EndInvitation(ctx, query.EndInvitationParams{ID: string(id), Outcome: outcome})
	})
}
