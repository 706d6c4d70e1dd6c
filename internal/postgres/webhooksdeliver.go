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
	// deadAfter is how long nothing may get through before an endpoint is
	// disabled: longer than a delivery is tried, so that a weekend passes.
	deadAfter = 5 * 24 * time.Hour
	// deadFailures is how many deliveries may be given up, one after the other.
	deadFailures = 20
)

// NextDelivery is what is to be tried next at an endpoint, now or later; the
// zero value where nothing is, or the endpoint is disabled or gone.
func (s *Store) NextDelivery(ctx context.Context, id metal.WebhookID) (metal.DueDelivery, error) {
	row, err := s.Queries().NextDelivery(ctx, string(id))
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.DueDelivery{}, nil
	}
	if err != nil {
		return metal.DueDelivery{}, fmt.Errorf("webhook %s: what is due: %w", id, err)
	}
	return metal.DueDelivery{Delivery: metal.DeliveryID(row.ID), Attempts: int(row.Attempts), Next: row.NextAt}, nil
}

// Posting is what an attempt needs to know; metal.ErrNotFound where the
// delivery is not due any more.
func (s *Store) Posting(ctx context.Context, id metal.DeliveryID) (metal.Posting, error) {
	row, err := s.Queries().PostingOf(ctx, string(id))
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.Posting{}, fmt.Errorf("delivery %s is not due: %w", id, metal.ErrNotFound)
	}
	if err != nil {
		return metal.Posting{}, fmt.Errorf("delivery %s: %w", id, err)
	}
	p := metal.Posting{
		Delivery: id, Webhook: metal.WebhookID(row.Webhook), Project: metal.ProjectID(row.Project), URL: row.Url,
		Sealed: [][]byte{row.Secret}, Made: row.MadeAt,
	}
	if len(row.OldSecret) > 0 {
		p.Sealed = append(p.Sealed, row.OldSecret)
	}
	if row.Event != 0 {
		p.Event = metal.Event{Number: row.Event, At: row.At, Project: p.Project, Device: metal.DeviceID(row.Device), Type: row.Type, Words: row.Words}
	}
	return p, nil
}

// NoteAttempt writes what came of an attempt, and disables an endpoint that
// wants no more or has been dead for too long, with an event that says so. Safe
// to repeat: the attempt's number tells.
func (s *Store) NoteAttempt(ctx context.Context, a metal.Attempt) (disabled bool, err error) {
	err = s.in(ctx, func(q *query.Queries) error {
		disabled = false
		id, err := q.WebhookOfDelivery(ctx, string(a.Delivery))
		if err != nil {
			return fmt.Errorf("delivery %s: %w", a.Delivery, err)
		}
		if _, err := q.LockWebhook(ctx, id); err != nil {
			if errors.Is(err, pgx.ErrNoRows) {
				return nil // deleted meanwhile, and its deliveries ended
			}
			return err
		}
		state, next := stateAfter(a)
		noted, err := q.NoteAttempt(ctx, query.NoteAttemptParams{
			ID: string(a.Delivery), FailedBefore: int32(a.Number - 1), Code: int32(a.Code), Outcome: a.Outcome, State: string(state), NextAt: next,
		})
		if err != nil || noted == 0 {
			return err
		}
		disabled, err = noteWebhook(ctx, q, id, a)
		return err
	})
	return disabled, err
}

func stateAfter(a metal.Attempt) (metal.DeliveryState, time.Time) {
	switch {
	case a.Delivered:
		return metal.Delivered, a.At
	case a.Gone || a.Next.IsZero():
		return metal.Undone, a.At
	}
	return metal.Due, a.Next
}

func noteWebhook(ctx context.Context, q *query.Queries, id string, a metal.Attempt) (disabled bool, err error) {
	w, err := q.NoteWebhook(ctx, query.NoteWebhookParams{ID: id, Delivered: a.Delivered, At: a.At, GivenUp: !a.Delivered && a.Next.IsZero()})
	if err != nil || a.Delivered || w.DisabledAt != nil {
		return false, err
	}
	reason := ""
	switch {
	case a.Gone:
		reason = "it answered 410 Gone: it wants no more messages"
	case a.At.Sub(value(w.FailingSince)) >= deadAfter:
		reason = fmt.Sprintf("no message got through since %s; the last attempt: %s", value(w.FailingSince).UTC().Format(time.RFC3339), a.Outcome)
	case w.Failures >= deadFailures:
		reason = fmt.Sprintf("%d messages in a row were given up; the last attempt: %s", w.Failures, a.Outcome)
	default:
		return false, nil
	}
	if err := q.DisableWebhook(ctx, query.DisableWebhookParams{ID: id, Reason: reason}); err != nil {
		return false, err
	}
	if err := q.EndDeliveries(ctx, query.EndDeliveriesParams{Webhook: id, Outcome: "the webhook was disabled: " + reason}); err != nil {
		return false, err
	}
	return true, projectEvent(ctx, q, metal.ProjectID(w.Project), "webhook.disabled", "Webhook %s is disabled: %s", id, reason)
}

// DueWebhooks lists endpoints that a run should have seen to by now.
func (s *Store) DueWebhooks(ctx context.Context, olderThan time.Duration, most int) ([]metal.WebhookID, error) {
	rows, err := s.Queries().DueWebhooks(ctx, query.DueWebhooksParams{OlderThan: olderThan, Most: int32(most)})
	if err != nil {
		return nil, fmt.Errorf("list webhooks with something due: %w", err)
	}
	all := make([]metal.WebhookID, len(rows))
	for i, row := range rows {
		all[i] = metal.WebhookID(row)
	}
	return all, nil
}
