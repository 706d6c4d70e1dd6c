package api

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Webhooks are endpoints of tenants, as the API needs them kept.
type Webhooks interface {
	Webhooks(ctx context.Context, project metal.ProjectID, page metal.Page) ([]metal.Webhook, int, error)
	Webhook(ctx context.Context, id metal.WebhookID) (metal.Webhook, error)
	CreateWebhook(ctx context.Context, c metal.Request, w metal.Webhook, secret []byte) error
	ChangeWebhook(ctx context.Context, c metal.Request, id metal.WebhookID, change func(*metal.Webhook) error) error
	DeleteWebhook(ctx context.Context, c metal.Request, id metal.WebhookID) error
	WebhookLife
}

// WebhookLife is what becomes of an endpoint after it was made.
type WebhookLife interface {
	EnableWebhook(ctx context.Context, c metal.Request, id metal.WebhookID) error
	RotateWebhook(ctx context.Context, c metal.Request, id metal.WebhookID, secret []byte) error
}

// WebhookRules know where webhooks may go, and make and seal their secrets.
type WebhookRules interface {
	CheckURL(url string) error
	NewSecret(id metal.WebhookID) (secret string, sealed []byte)
}

func (s *server) webhookRoutes() []route {
	return append([]route{
		{method: http.MethodPost, path: "/projects/{id}/webhooks", verb: access.Create, kind: access.Webhook, code: http.StatusCreated,
			does: "Tell an endpoint of a project's events; the answer shows its secret, once", in: webhookInput{}, out: webhookWire{}, handle: s.createWebhook},
		{method: http.MethodGet, path: "/projects/{id}/webhooks", verb: access.See, kind: access.Webhook, code: http.StatusOK,
			does: "List a project's webhooks", out: webhookList{}, handle: s.listWebhooks},
		{method: http.MethodGet, path: "/webhooks/{id}", verb: access.See, kind: access.Webhook, code: http.StatusOK,
			does: "Show a webhook", out: webhookWire{}, handle: s.showWebhook},
		{method: http.MethodPut, path: "/webhooks/{id}", verb: access.Alter, kind: access.Webhook, code: http.StatusOK,
			does: "Change a webhook's URL, description or types", in: webhookInput{}, out: webhookWire{}, handle: s.changeWebhook},
		{method: http.MethodPatch, path: "/webhooks/{id}", verb: access.Alter, kind: access.Webhook, code: http.StatusOK,
			does: "Change a webhook's URL, description or types", in: webhookInput{}, out: webhookWire{}, handle: s.changeWebhook},
		{method: http.MethodDelete, path: "/webhooks/{id}", verb: access.Delete, kind: access.Webhook, code: http.StatusNoContent,
			does: "Delete a webhook", handle: s.deleteWebhook},
		{method: http.MethodPost, path: "/webhooks/{id}/enable", verb: access.Alter, kind: access.Webhook, code: http.StatusOK,
			does: "Deliver again to a webhook that was disabled", out: webhookWire{}, handle: s.enableWebhook},
		{method: http.MethodPost, path: "/webhooks/{id}/rotate", verb: access.Alter, kind: access.Webhook, code: http.StatusOK,
			does: "Give a webhook a new secret, shown once; the old one signs too for 24 hours", out: webhookWire{}, handle: s.rotateWebhook},
	}, s.deliveryRoutes()...)
}

func webhookID(c *call) metal.WebhookID { return metal.WebhookID(c.id()) }

// rules are nil where the installation has no key for webhooks.
func (s *server) rules() (WebhookRules, error) {
	if s.WebhookRules == nil {
		return nil, unprocessable("webhooks: this installation has none; its operator gives the programs --webhook-key to have them")
	}
	return s.WebhookRules, nil
}

func (s *server) createWebhook(c *call) (any, error) {
	rules, err := s.rules()
	if err != nil {
		return nil, err
	}
	var in webhookInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	w := metal.Webhook{ID: metal.WebhookID(uuid.NewString()), Project: c.scope.Project}
	if err := in.into(&w, rules); err != nil {
		return nil, err
	}
	if w.URL == "" {
		return nil, unprocessable("url: missing; give the https:// URL that events are posted to")
	}
	secret, sealed := rules.NewSecret(w.ID)
	if err := s.Store.CreateWebhook(c.ctx, c.change(), w, sealed); err != nil {
		return nil, err
	}
	return s.withSecret(c, w.ID, secret)
}

// withSecret is a webhook with the secret that nobody can read again.
func (s *server) withSecret(c *call, id metal.WebhookID, secret string) (any, error) {
	w, err := s.Store.Webhook(c.ctx, id)
	if err != nil {
		return nil, err
	}
	wire := toWebhook(w)
	wire.Secret = secret
	return wire, nil
}

// into puts what was given into a webhook.
func (in webhookInput) into(w *metal.Webhook, rules WebhookRules) error {
	if url := given(in.URL); url != nil {
		if err := rules.CheckURL(*url); err != nil {
			return unprocessable("url: %s", err)
		}
		w.URL = *url
	}
	if in.Description != nil {
		if err := checkText("description", *in.Description, maxDescription); err != nil {
			return err
		}
		w.Description = *in.Description
	}
	if in.Types != nil {
		if err := checkEventTypes("types", *in.Types); err != nil {
			return err
		}
		w.Types = *in.Types
	}
	return nil
}

func (s *server) listWebhooks(c *call) (any, error) {
	page, err := c.page()
	if err != nil {
		return nil, err
	}
	all, total, err := s.Store.Webhooks(c.ctx, c.scope.Project, page)
	if err != nil {
		return nil, err
	}
	list := webhookList{Webhooks: make([]webhookWire, len(all)), Meta: c.meta(page, total)}
	for i, w := range all {
		list.Webhooks[i] = toWebhook(w)
	}
	return list, nil
}

func (s *server) showWebhook(c *call) (any, error) { return s.withSecret(c, webhookID(c), "") }

func (s *server) changeWebhook(c *call) (any, error) {
	rules, err := s.rules()
	if err != nil {
		return nil, err
	}
	var in webhookInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	change := func(w *metal.Webhook) error { return in.into(w, rules) }
	if err := s.Store.ChangeWebhook(c.ctx, c.change(), webhookID(c), change); err != nil {
		return nil, err
	}
	return s.showWebhook(c)
}

func (s *server) deleteWebhook(c *call) (any, error) {
	return nil, s.Store.DeleteWebhook(c.ctx, c.change(), webhookID(c))
}

func (s *server) enableWebhook(c *call) (any, error) {
	if err := s.Store.EnableWebhook(c.ctx, c.change(), webhookID(c)); err != nil {
		return nil, err
	}
	return s.showWebhook(c)
}

func (s *server) rotateWebhook(c *call) (any, error) {
	rules, err := s.rules()
	if err != nil {
		return nil, err
	}
	secret, sealed := rules.NewSecret(webhookID(c))
	if err := s.Store.RotateWebhook(c.ctx, c.change(), webhookID(c), sealed); err != nil {
		return nil, err
	}
	return s.withSecret(c, webhookID(c), secret)
}
