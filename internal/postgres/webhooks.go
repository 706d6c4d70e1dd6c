package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

const (
	// mostWebhooks is how many a project may have: each is a row per event.
	mostWebhooks = 20
	// bothSign is how long an old secret signs beside the new one, so that its
	// receiver has time to be told.
	bothSign = 24 * time.Hour
)

func scopeOfWebhook(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
	row, err := q.ScopeOfWebhook(ctx, id)
	return metal.Scope{Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project)}, err
}

func pathOfWebhook(id metal.WebhookID) string { return "/webhooks/" + string(id) }

// CreateWebhook adds an endpoint to a project. It hears of its own making from
// whoever made it: the event is written before.
func (s *Store) CreateWebhook(ctx context.Context, c metal.Request, w metal.Webhook, secret []byte) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		if err := q.LockProjectsWebhooks(ctx, string(w.Project)); err != nil {
			return "", err
		}
		has, err := q.CountWebhooks(ctx, string(w.Project))
		if err != nil {
			return "", err
		}
		if has >= mostWebhooks {
			return "", fmt.Errorf("project %s: it has %d webhooks, which is the most; delete one: %w", w.Project, has, metal.ErrQuota)
		}
		if err := projectEvent(ctx, q, w.Project, "webhook.created", "Webhook %s was made", w.ID); err != nil {
			return "", err
		}
		return pathOfWebhook(w.ID), q.InsertWebhook(ctx, query.InsertWebhookParams{
			ID: string(w.ID), Project: string(w.Project), Url: w.URL, Description: w.Description, Types: notNil(w.Types), Secret: secret,
		})
	})
}

// Webhooks lists a project's, oldest first, and says how many there are.
func (s *Store) Webhooks(ctx context.Context, project metal.ProjectID, page metal.Page) ([]metal.Webhook, int, error) {
	total, err := s.Queries().CountWebhooks(ctx, string(project))
	if err != nil {
		return nil, 0, fmt.Errorf("count webhooks of project %s: %w", project, err)
	}
	rows, err := s.Queries().ListWebhooks(ctx, query.ListWebhooksParams{Project: string(project), Most: int32(page.Limit), Skipped: int32(page.Offset)})
	if err != nil {
		return nil, 0, fmt.Errorf("list webhooks of project %s: %w", project, err)
	}
	all := make([]metal.Webhook, len(rows))
	for i, row := range rows {
		all[i] = webhookOf(row)
	}
	return all, int(total), nil
}

// Webhook is one; metal.ErrNotFound where there is none, or none any more.
func (s *Store) Webhook(ctx context.Context, id metal.WebhookID) (metal.Webhook, error) {
	row, err := s.Queries().GetWebhook(ctx, string(id))
	return webhookOf(row), noWebhook(id, err)
}

func noWebhook(id metal.WebhookID, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("webhook %s: %w", id, metal.ErrNotFound)
	}
	return err
}

func webhookOf(row query.Webhook) metal.Webhook {
	return metal.Webhook{
		ID: metal.WebhookID(row.ID), Project: metal.ProjectID(row.Project), URL: row.Url, Description: row.Description, Types: row.Types,
		Created: row.CreatedAt, Changed: row.ChangedAt, Disabled: value(row.DisabledAt), Reason: row.Reason, FailingSince: value(row.FailingSince),
	}
}

// onWebhook changes one whose row is locked.
func (s *Store) onWebhook(ctx context.Context, c metal.Request, id metal.WebhookID, f func(*query.Queries, metal.Webhook) error) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		row, err := q.LockWebhook(ctx, string(id))
		if err != nil {
			return "", noWebhook(id, err)
		}
		return pathOfWebhook(id), f(q, webhookOf(row))
	})
}

// ChangeWebhook gives an endpoint another URL, description and types.
func (s *Store) ChangeWebhook(ctx context.Context, c metal.Request, id metal.WebhookID, f func(*metal.Webhook) error) error {
	return s.onWebhook(ctx, c, id, func(q *query.Queries, w metal.Webhook) error {
		if err := f(&w); err != nil {
			return err
		}
		return q.ChangeWebhook(ctx, query.ChangeWebhookParams{ID: string(id), Url: w.URL, Description: w.Description, Types: notNil(w.Types)})
	})
}

// DeleteWebhook ends deliveries to an endpoint for good.
func (s *Store) DeleteWebhook(ctx context.Context, c metal.Request, id metal.WebhookID) error {
	return s.onWebhook(ctx, c, id, func(q *query.Queries, w metal.Webhook) error {
		if err := q.EndDeliveries(ctx, query.EndDeliveriesParams{Webhook: string(id), Outcome: "the webhook was deleted"}); err != nil {
			return err
		}
		if err := q.DeleteWebhook(ctx, string(id)); err != nil {
			return err
		}
		return projectEvent(ctx, q, w.Project, "webhook.deleted", "Webhook %s was deleted", id)
	})
}

// EnableWebhook delivers again from now on. What was given up meanwhile can be
// replayed.
func (s *Store) EnableWebhook(ctx context.Context, c metal.Request, id metal.WebhookID) error {
	return s.onWebhook(ctx, c, id, func(q *query.Queries, w metal.Webhook) error {
		if !w.Disabled.IsZero() {
			if err := projectEvent(ctx, q, w.Project, "webhook.enabled", "Webhook %s is enabled again", id); err != nil {
				return err
			}
		}
		return q.EnableWebhook(ctx, string(id))
	})
}

// RotateWebhook gives an endpoint a new secret; the old one signs too for a day.
func (s *Store) RotateWebhook(ctx context.Context, c metal.Request, id metal.WebhookID, secret []byte) error {
	return s.onWebhook(ctx, c, id, func(q *query.Queries, w metal.Webhook) error {
		if err := projectEvent(ctx, q, w.Project, "webhook.rotated", "Webhook %s has a new secret", id); err != nil {
			return err
		}
		return q.RotateWebhook(ctx, query.RotateWebhookParams{ID: string(id), Secret: secret, Overlap: bothSign})
	})
}
