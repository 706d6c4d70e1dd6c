package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Deliveries lists an endpoint's, newest first, and says how many there are. An
// empty state means all.
func (s *Store) Deliveries(ctx context.Context, id metal.WebhookID, state metal.DeliveryState, page metal.Page) ([]metal.Delivery, int, error) {
	total, err := s.Queries().CountDeliveries(ctx, query.CountDeliveriesParams{Webhook: string(id), State: string(state)})
	if err != nil {
		return nil, 0, fmt.Errorf("count deliveries to webhook %s: %w", id, err)
	}
	rows, err := s.Queries().ListDeliveries(ctx, query.ListDeliveriesParams{
		Webhook: string(id), State: string(state), Most: int32(page.Limit), Skipped: int32(page.Offset),
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list deliveries to webhook %s: %w", id, err)
	}
	all := make([]metal.Delivery, len(rows))
	for i, row := range rows {
		all[i] = deliveryOf(query.GetDeliveryRow(row))
	}
	return all, int(total), nil
}

// Delivery is one of an endpoint's; metal.ErrNotFound where it has none such.
func (s *Store) Delivery(ctx context.Context, webhook metal.WebhookID, id metal.DeliveryID) (metal.Delivery, error) {
	row, err := s.Queries().GetDelivery(ctx, query.GetDeliveryParams{Webhook: string(webhook), ID: string(id)})
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.Delivery{}, fmt.Errorf("delivery %s to webhook %s: %w", id, webhook, metal.ErrNotFound)
	}
	return deliveryOf(row), err
}

func deliveryOf(row query.GetDeliveryRow) metal.Delivery {
	return metal.Delivery{
		ID: metal.DeliveryID(row.ID), Webhook: metal.WebhookID(row.Webhook), Event: value(row.Event), Type: row.Type,
		State: metal.DeliveryState(row.State), Attempts: int(row.Attempts), Code: int(value(row.Code)), Outcome: row.Outcome,
		Made: row.MadeAt, Next: row.NextAt, Ended: value(row.EndedAt),
	}
}

// TestWebhook makes a delivery that is about no event.
func (s *Store) TestWebhook(ctx context.Context, c metal.Request, webhook metal.WebhookID, id metal.DeliveryID) error {
	return s.toEnabled(ctx, c, webhook, id, func(q *query.Queries) error {
		return q.InsertTestDelivery(ctx, query.InsertTestDeliveryParams{ID: string(id), Webhook: string(webhook)})
	})
}

// ReplayDelivery delivers again what was delivered or given up, under the same
// ID.
func (s *Store) ReplayDelivery(ctx context.Context, c metal.Request, webhook metal.WebhookID, id metal.DeliveryID) error {
	return s.toEnabled(ctx, c, webhook, id, func(q *query.Queries) error {
		found, err := q.ReplayDelivery(ctx, query.ReplayDeliveryParams{Webhook: string(webhook), ID: string(id)})
		if err == nil && found == 0 {
			return fmt.Errorf("delivery %s to webhook %s: %w", id, webhook, metal.ErrNotFound)
		}
		return err
	})
}

// toEnabled changes a delivery to an endpoint that gets any.
func (s *Store) toEnabled(ctx context.Context, c metal.Request, webhook metal.WebhookID, id metal.DeliveryID, f func(*query.Queries) error) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		w, err := q.LockWebhook(ctx, string(webhook))
		if err != nil {
			return "", noWebhook(webhook, err)
		}
		if w.DisabledAt != nil {
			return "", fmt.Errorf("webhook %s: it is disabled (%s); enable it first: %w", webhook, w.Reason, metal.ErrWrongState)
		}
		return pathOfWebhook(webhook) + "/deliveries/" + string(id), f(q)
	})
}
