package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// AddUser lets somebody in whom no sign-in made. An address is one user's.
func (s *Store) AddUser(ctx context.Context, c metal.Request, u metal.User) error {
	u.Email = strings.ToLower(u.Email)
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		err := q.InsertUser(ctx, query.InsertUserParams{ID: string(u.ID), Email: u.Email, Name: u.Name, LastName: u.LastName, Operator: u.Operator})
		return "/users/" + string(u.ID), twice(err, "one_user_per_address", "email: %s is a user already", u.Email)
	})
}

// UserByEmail finds a user by its address; else metal.ErrNotFound.
func (s *Store) UserByEmail(ctx context.Context, email string) (metal.UserID, error) {
	id, err := s.Queries().UserIDByEmail(ctx, email)
	return metal.UserID(id), notFound(err, "user %s", email)
}

// DisableUser shuts a user's keys and sign-ins out, or lets them in again. Safe
// to repeat.
func (s *Store) DisableUser(ctx context.Context, c metal.Request, id metal.UserID, disabled bool) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		n, err := q.DisableUser(ctx, query.DisableUserParams{ID: string(id), Disabled: disabled})
		return "/users/" + string(id), changedOne(n, err, "user %s", id)
	})
}

// AddMember adds to the roles that a user has where the scope is: in a project,
// or in an organization. Safe to repeat.
func (s *Store) AddMember(ctx context.Context, c metal.Request, at metal.Scope, user metal.UserID, roles []metal.MemberRole) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		if _, err := q.HoldOrganization(ctx, string(at.Organization)); err != nil {
			return "", notFound(err, "organization %s", at.Organization)
		}
		var id string
		var err error
		if at.Project != "" {
			id, err = q.JoinProject(ctx, query.JoinProjectParams{ID: uuid.NewString(), Member: string(user), Project: string(at.Project), Roles: words(roles)})
		} else {
			id, err = q.JoinOrganization(ctx, query.JoinOrganizationParams{ID: uuid.NewString(), Member: string(user), Organization: string(at.Organization), Roles: words(roles)})
		}
		if err != nil {
			err = fmt.Errorf("make user %s a member: %w", user, err)
		}
		return "/memberships/" + id, err
	})
}
