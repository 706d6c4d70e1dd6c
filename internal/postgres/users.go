package postgres

import (
	"context"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// User is a person; metal.ErrNotFound where nobody is.
func (s *Store) User(ctx context.Context, id metal.UserID) (metal.User, error) {
	r, err := s.Queries().GetUser(ctx, string(id))
	if err != nil {
		return metal.User{}, notFound(err, "user %s", id)
	}
	return metal.User{
		ID: metal.UserID(r.ID), Email: r.Email, Name: r.Name, LastName: r.LastName, CustomData: r.CustomData, Operator: r.Operator,
		Created: r.CreatedAt, Changed: r.ChangedAt, Disabled: moment(r.DisabledAt), SSHKeys: int(r.SshKeys), Home: metal.OrganizationID(r.Home),
	}, nil
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// ChangeUser changes what a user is called, and the like.
func (s *Store) ChangeUser(ctx context.Context, c metal.Request, id metal.UserID, to metal.UserChange) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		n, err := q.ChangeUser(ctx, query.ChangeUserParams{ID: string(id), Name: to.Name, LastName: to.LastName, CustomData: to.CustomData})
		return "/users/" + string(id), changedOne(n, err, "user %s", id)
	})
}
