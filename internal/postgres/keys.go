package postgres

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// APIKeys are those of a user or a project that open something, whichever the
// scope names; and how many there are in all.
func (s *Store) APIKeys(ctx context.Context, of metal.Scope, search string, p metal.Page) ([]metal.APIKey, int, error) {
	q := s.Queries()
	total, err := q.CountAPIKeys(ctx, query.CountAPIKeysParams{Owner: string(of.User), Project: string(of.Project), Search: search})
	if err != nil {
		return nil, 0, fmt.Errorf("count API keys: %w", err)
	}
	rows, err := q.ListAPIKeys(ctx, query.ListAPIKeysParams{
		Owner: string(of.User), Project: string(of.Project), Search: search, Most: int32(p.Limit), Skip: int32(p.Offset),
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list API keys: %w", err)
	}
	return each(rows, apiKeyOf), int(total), nil
}

// APIKey is one that opens something; else metal.ErrNotFound.
func (s *Store) APIKey(ctx context.Context, id metal.KeyID) (metal.APIKey, error) {
	row, err := s.Queries().GetAPIKey(ctx, string(id))
	return apiKeyOf(row), notFound(err, "API key %s", id)
}

func apiKeyOf(r query.ApiKey) metal.APIKey {
	return metal.APIKey{
		ID: metal.KeyID(r.ID), User: metal.UserID(value(r.User)), Project: metal.ProjectID(value(r.Project)), Description: r.Description,
		ReadOnly: r.ReadOnly, Session: r.Session, Maker: metal.UserID(value(r.CreatedBy)),
		Created: r.CreatedAt, Expires: moment(r.ExpiresAt), Used: moment(r.UsedAt),
	}
}

// CreateAPIKey lets a key open the API. Only its hash is kept.
func (s *Store) CreateAPIKey(ctx context.Context, c metal.Request, k metal.APIKey, secret string) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		if k.Project != "" {
			if err := openProject(ctx, q, k.Project); err != nil {
				return "", err
			}
		}
		return "/api-keys/" + string(k.ID), insertAPIKey(ctx, q, k, secret)
	})
}

func insertAPIKey(ctx context.Context, q *query.Queries, k metal.APIKey, secret string) error {
	hash := sha256.Sum256([]byte(secret))
	var expires *time.Time
	if !k.Expires.IsZero() {
		expires = &k.Expires
	}
	err := q.InsertAPIKey(ctx, query.InsertAPIKeyParams{
		ID: string(k.ID), Owner: string(k.User), Project: string(k.Project), Description: k.Description, Hash: hash[:],
		ReadOnly: k.ReadOnly, CreatedBy: string(k.Maker), ExpiresAt: expires,
	})
	if err != nil {
		return fmt.Errorf("keep API key %s: %w", k.ID, err)
	}
	return nil
}

// RevokeAPIKey shuts a key out, at once and for good.
func (s *Store) RevokeAPIKey(ctx context.Context, c metal.Request, id metal.KeyID) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		n, err := q.RevokeAPIKey(ctx, string(id))
		return "", changedOne(n, err, "API key %s", id)
	})
}
