package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"millwright/activities"
	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/temporal"
	"millwright/internal/webhook"
	"millwright/workflows"
)

// webhooks makes the worker that posts to tenants' endpoints, on a queue of its
// own. Without a key it posts nothing, and says so in the runs' errors.
func webhooks(cfg Config, control worker.Worker, store *postgres.Store, c client.Client, options worker.Options) (worker.Worker, error) {
	keys, err := webhook.ReadKeys(cfg.Webhook.Key)
	if err != nil {
		return nil, err
	}
	all := &activities.Webhooks{Store: store, Poster: webhook.NewClient(cfg.Webhook.Rules(), keys), Runs: temporal.Runs{Client: c}}
	control.RegisterActivity(all)
	posts := worker.New(c, workflows.WebhookQueue, options)
	posts.RegisterActivity(all)
	return posts, nil
}

const (
	// listenPause comes before the database is asked again to say what is due.
	listenPause = 5 * time.Second
	// wakeLimit is how long Temporal may take to start a run; reconcile finds
	// what was not started.
	wakeLimit = 10 * time.Second
	// wakeAtOnce bounds what is looked up after a while without a connection.
	wakeAtOnce = 1000
)

// waker starts an endpoint's run as soon as the database says that something is
// due there. Many events of one endpoint become one wake.
type waker struct {
	store *postgres.Store
	runs  temporal.Runs
	log   *slog.Logger

	mu   sync.Mutex
	due  map[metal.WebhookID]bool
	more chan struct{} // holds one: something is in due
}

func newWaker(store *postgres.Store, c client.Client, log *slog.Logger) *waker {
	return &waker{store: store, runs: temporal.Runs{Client: c}, log: log, due: map[metal.WebhookID]bool{}, more: make(chan struct{}, 1)}
}

// start listens until stop is called, which returns once nothing runs any more.
func (w *waker) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { w.listen(ctx) })
	running.Go(func() { w.wake(ctx) })
	return func() { cancel(); running.Wait() }
}

func (w *waker) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := w.store.ListenWebhooks(ctx, func(id metal.WebhookID) {
			if id == "" {
				w.missed(ctx)
				return
			}
			w.note(id)
		})
		if ctx.Err() != nil {
			return
		}
		w.log.WarnContext(ctx, "webhooks are woken by reconcile alone until the database answers", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(listenPause):
		}
	}
}

// missed notes what became due while nobody listened.
func (w *waker) missed(ctx context.Context) {
	due, err := w.store.DueWebhooks(ctx, 0, wakeAtOnce)
	if err != nil {
		w.log.WarnContext(ctx, "what webhooks have missed is left to reconcile", "error", err)
	}
	w.note(due...)
}

func (w *waker) note(due ...metal.WebhookID) {
	if len(due) == 0 {
		return
	}
	w.mu.Lock()
	for _, id := range due {
		w.due[id] = true
	}
	w.mu.Unlock()
	select {
	case w.more <- struct{}{}:
	default: // it holds one
	}
}

func (w *waker) take() map[metal.WebhookID]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	due := w.due
	w.due = map[metal.WebhookID]bool{}
	return due
}

func (w *waker) wake(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.more:
		}
		for id := range w.take() {
			limited, cancel := context.WithTimeout(ctx, wakeLimit)
			err := w.runs.WakeWebhook(limited, id)
			cancel()
			if err != nil && ctx.Err() == nil {
				w.log.WarnContext(ctx, "a webhook's run was not started; reconcile will start it", "webhook", id, "error", err)
			}
		}
	}
}
