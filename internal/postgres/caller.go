package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// usedEvery is how exactly a key's last use is known.
const usedEvery = time.Minute

// Caller says whose key this is; metal.ErrBadCredentials where it opens nothing.
func (s *Store) Caller(ctx context.Context, key string) (metal.Caller, error) {
	hash := sha256.Sum256([]byte(key))
	row, err := s.Queries().CallerByKey(ctx, hash[:])
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.Caller{}, fmt.Errorf("the key opens nothing: %w", metal.ErrBadCredentials)
	}
	if err != nil {
		return metal.Caller{}, fmt.Errorf("look up a key: %w", err)
	}
	if row.UsedAt == nil || time.Since(*row.UsedAt) > usedEvery {
		if err := s.Queries().KeyUsed(ctx, row.ID); err != nil {
			return metal.Caller{}, fmt.Errorf("record the use of key %s: %w", row.ID, err)
		}
	}
	return metal.Caller{
		Key: metal.KeyID(row.ID), User: metal.UserID(row.User), Email: row.Email, Operator: row.Operator,
		Project: metal.ProjectID(row.Project), ReadOnly: row.ReadOnly, Session: row.Session,
	}, nil
}

// Roles are what a caller may be where a scope is. Nothing: to this caller, what
// is there does not exist. Where the scope is but a user, they are the caller's
// in the organizations that it shares with that one.
func (s *Store) Roles(ctx context.Context, c metal.Caller, at metal.Scope) ([]metal.MemberRole, error) {
	q := s.Queries()
	var names []string
	var err error
	switch {
	case c.Operator:
		return []metal.MemberRole{metal.Operator}, nil
	case c.Project != "" && c.Project == at.Project:
		return []metal.MemberRole{metal.ProjectKey}, nil
	case c.User == "":
		return nil, nil
	case at.Organization != "":
		names, err = q.RolesIn(ctx, query.RolesInParams{Member: string(c.User), Project: string(at.Project), Organization: string(at.Organization)})
	case at.Project == "" && at.User != "":
		names, err = q.RolesBesides(ctx, query.RolesBesidesParams{Member: string(c.User), Other: string(at.User)})
	}
	return typed[metal.MemberRole](names), err
}
