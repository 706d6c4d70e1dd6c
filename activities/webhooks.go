package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"millwright/internal/metal"
)

// Webhooks tells tenants' endpoints what happened. What is sent, and the
// secret that signs it, are fetched here by the delivery's ID: neither stands
// in a history.
type Webhooks struct {
	Store  WebhookStore
	Poster Poster
	Runs   Runs
}

// WebhookStore keeps what is to be delivered, and what came of it.
type WebhookStore interface {
	NextDelivery(ctx context.Context, webhook metal.WebhookID) (metal.DueDelivery, error)
	// Posting is refused with metal.ErrNotFound once a delivery is not due.
	Posting(ctx context.Context, id metal.DeliveryID) (metal.Posting, error)
	// NoteAttempt knows attempts by number: a repeat changes nothing.
	NoteAttempt(ctx context.Context, a metal.Attempt) (disabled bool, err error)
	DueWebhooks(ctx context.Context, olderThan time.Duration, most int) ([]metal.WebhookID, error)
}

// Poster posts a signed message. Its errors are sentences for the endpoint's
// owner, but for metal.ErrNoSecret, which is our own trouble.
type Poster interface {
	Post(ctx context.Context, m metal.WebhookMessage) (code int, err error)
}

// NextDeliveryInput names an endpoint.
type NextDeliveryInput struct {
	Webhook metal.WebhookID
}

// NextDelivery is what is to be tried next at an endpoint, now or later; nothing
// where nothing is.
func (w *Webhooks) NextDelivery(ctx context.Context, in NextDeliveryInput) (metal.DueDelivery, error) {
	next, err := w.Store.NextDelivery(ctx, in.Webhook)
	return next, classify(err)
}

// DeliverInput names a delivery, and says what a failure would lead to.
type DeliverInput struct {
	Delivery metal.DeliveryID
	Attempt  int           // its number, from 1
	At       time.Time     // by the run's clock
	Pause    time.Duration // until the next attempt; 0: there is none
}

// DeliverResult says what came of it. That an endpoint does not answer is no
// error of ours.
type DeliverResult struct {
	Delivered bool
	Disabled  bool `json:",omitempty"` // the endpoint gets nothing any more
}

// Deliver posts one message to an endpoint, and writes what came of it. One
// whose answer was lost is posted again, under the same ID: receivers tell
// repeats by it.
func (w *Webhooks) Deliver(ctx context.Context, in DeliverInput) (DeliverResult, error) {
	posting, err := w.Store.Posting(ctx, in.Delivery)
	if errors.Is(err, metal.ErrNotFound) {
		return DeliverResult{}, nil // delivered by an attempt whose answer was lost; or nobody wants it any more
	}
	if err != nil {
		return DeliverResult{}, classify(err)
	}
	attempt, err := w.try(ctx, in, posting)
	if err != nil {
		return DeliverResult{}, classify(err)
	}
	disabled, err := w.Store.NoteAttempt(ctx, attempt)
	return DeliverResult{Delivered: attempt.Delivered, Disabled: disabled}, classify(err)
}

// gone is how an endpoint says that it wants to hear nothing any more.
const gone = 410

func (w *Webhooks) try(ctx context.Context, in DeliverInput, p metal.Posting) (metal.Attempt, error) {
	body, err := payload(p)
	if err != nil {
		return metal.Attempt{}, err
	}
	code, err := w.Poster.Post(ctx, metal.WebhookMessage{
		ID: p.Delivery, Webhook: p.Webhook, URL: p.URL, Sealed: p.Sealed, Time: time.Now(), Body: body,
	})
	switch {
	case ctx.Err() != nil: // this worker stops: it says nothing about the endpoint
		return metal.Attempt{}, ctx.Err()
	case errors.Is(err, metal.ErrNoSecret):
		return metal.Attempt{}, err
	}
	a := metal.Attempt{
		Delivery: in.Delivery, Number: in.Attempt, At: in.At, Code: code,
		Delivered: err == nil && code/100 == 2, Gone: code == gone,
	}
	if in.Pause > 0 {
		a.Next = in.At.Add(in.Pause)
	}
	switch {
	case err != nil:
		a.Outcome = err.Error()
	case a.Delivered:
		a.Outcome = fmt.Sprintf("delivered: it answered %d", code)
	default:
		a.Outcome = fmt.Sprintf("it answered %d; only 2xx means that it has the message", code)
	}
	return a, nil
}

// payload is what a message says, as Standard Webhooks has it: the data is the
// event as the API tells it.
func payload(p metal.Posting) ([]byte, error) {
	message := struct {
		Type      string            `json:"type"`
		Timestamp time.Time         `json:"timestamp"`
		Data      metal.EventNotice `json:"data"`
	}{p.Event.Type, p.Event.At.UTC(), p.Event.Notice(false)}
	if p.Event.Number == 0 {
		message.Type, message.Timestamp, message.Data = metal.TestEvent, p.Made.UTC(), metal.TestNotice(p)
	}
	return json.Marshal(message)
}

const (
	// dueWebhookFor is how long an endpoint's run may take to see to something
	// before it is thought lost: an attempt, and a pause of the worker.
	dueWebhookFor = time.Minute
)

// FindDueWebhooksInput names how the runs are called: workflows fix the names.
type FindDueWebhooksInput struct {
	WebhookRun string // prefix of an endpoint's run
}

// FindDueWebhooksResult lists endpoints that nobody sees to.
type FindDueWebhooksResult struct {
	Webhooks []metal.WebhookID
}

// FindDueWebhooks lists endpoints with something due and no open run.
func (w *Webhooks) FindDueWebhooks(ctx context.Context, in FindDueWebhooksInput) (FindDueWebhooksResult, error) {
	defer beat(ctx)()
	var found FindDueWebhooksResult
	due, err := w.Store.DueWebhooks(ctx, dueWebhookFor, lostAtOnce)
	if err != nil {
		return found, classify(err)
	}
	for _, id := range due {
		open, err := w.Runs.Open(ctx, in.WebhookRun+string(id))
		if err != nil {
			return found, fmt.Errorf("ask whether the run of webhook %s is open: %w", id, err)
		}
		if !open {
			found.Webhooks = append(found.Webhooks, id)
		}
	}
	return found, nil
}
