package main

import (
	"context"
	"fmt"
)

// webhookCommand is what customers do with endpoints of theirs that are told
// what happens.
type webhookCommand struct {
	Add        webhookAdd        `cmd:"" help:"Have a URL told what happens in a project. The secret that signs it is shown once."`
	List       webhookList       `cmd:"" help:"List a project's webhooks."`
	Remove     webhookRemove     `cmd:"" help:"Tell a URL nothing any more."`
	Test       webhookTest       `cmd:"" help:"Send a webhook a test."`
	Enable     webhookEnable     `cmd:"" help:"Try a webhook again that was disabled because it did not answer."`
	Deliveries webhookDeliveries `cmd:"" help:"List what was delivered, and what was not."`
	Replay     webhookReplay     `cmd:"" help:"Deliver something again."`
}

// hook is a webhook, as far as tables show it.
type hook struct {
	ID      string   `json:"id"`
	URL     string   `json:"url"`
	Types   []string `json:"types"`
	Enabled bool     `json:"enabled"`
	Reason  string   `json:"reason"`
	Secret  string   `json:"secret"`
}

type webhookAdd struct {
	within `embed:""`
	URL    string   `arg:"" name:"url" help:"Where events go."`
	Event  []string `env:"-" help:"Only events of this type; may be given again. Left out, all."`
}

// Run adds it, and shows its secret: nothing shows it again.
func (w webhookAdd) Run(ctx context.Context, a *app) error {
	c, err := w.client()
	if err != nil {
		return err
	}
	id, err := w.project(ctx, c)
	if err != nil {
		return err
	}
	body := map[string]any{"url": w.URL}
	if len(w.Event) > 0 {
		body["types"] = w.Event
	}
	var made answered[hook]
	if err := c.Post(ctx, below("projects", id, "webhooks"), body, &made); err != nil {
		return fmt.Errorf("add a webhook: %w", err)
	}
	return made.print(a, func(w hook) [][]any { return [][]any{{"webhook", w.ID}, {"url", w.URL}, {"secret", w.Secret}} })
}

type webhookList struct {
	within `embed:""`
}

// Run prints one listing.
func (l webhookList) Run(ctx context.Context, a *app) error {
	c, err := l.client()
	if err != nil {
		return err
	}
	id, err := l.project(ctx, c)
	if err != nil {
		return err
	}
	return listing[hook]{
		path: below("projects", id, "webhooks"), name: "webhooks", columns: []string{"webhook", "url", "types", "enabled", "reason"},
		row: func(w hook) []any { return []any{w.ID, w.URL, w.Types, w.Enabled, w.Reason} },
	}.print(ctx, a, c)
}

// ofWebhook is what a command on one webhook takes.
type ofWebhook struct {
	customer `embed:""`
	Webhook  string `arg:"" help:"The webhook's ID."`
}

// ask posts to what is below the webhook.
func (o ofWebhook) ask(ctx context.Context, a *app, said string, parts ...string) error {
	c, err := o.client()
	if err != nil {
		return err
	}
	if err := c.Post(ctx, below(append([]string{"webhooks", o.Webhook}, parts...)...), nil, nil); err != nil {
		return fmt.Errorf("webhook %s: %w", o.Webhook, err)
	}
	return a.said("webhook %s %s", o.Webhook, said)
}

type webhookTest struct {
	ofWebhook `embed:""`
}

// Run asks for a test delivery.
func (t webhookTest) Run(ctx context.Context, a *app) error {
	return t.ask(ctx, a, "is sent a test; see starter webhook deliveries", "test")
}

type webhookEnable struct {
	ofWebhook `embed:""`
}

// Run enables it.
func (e webhookEnable) Run(ctx context.Context, a *app) error {
	return e.ask(ctx, a, "is enabled", "enable")
}

type webhookReplay struct {
	ofWebhook `embed:""`
	Delivery  string `arg:"" help:"The delivery's ID."`
}

// Run asks for one more delivery.
func (r webhookReplay) Run(ctx context.Context, a *app) error {
	return r.ask(ctx, a, "is told again", "deliveries", r.Delivery, "replay")
}

type webhookRemove struct {
	ofWebhook `embed:""`
}

// Run removes it.
func (r webhookRemove) Run(ctx context.Context, a *app) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	if err := c.Delete(ctx, below("webhooks", r.Webhook)); err != nil {
		return fmt.Errorf("webhook %s: %w", r.Webhook, err)
	}
	return a.said("webhook %s is removed", r.Webhook)
}

type webhookDeliveries struct {
	ofWebhook `embed:""`
}

// Run prints one listing.
func (d webhookDeliveries) Run(ctx context.Context, a *app) error {
	c, err := d.client()
	if err != nil {
		return err
	}
	type delivery struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		State    string `json:"state"`
		Attempts int    `json:"attempts"`
		Next     string `json:"next_attempt_at"`
		Outcome  string `json:"outcome"`
	}
	return listing[delivery]{
		path: below("webhooks", d.Webhook, "deliveries"), name: "deliveries", columns: []string{"delivery", "type", "state", "attempts", "next_attempt_at", "outcome"},
		row: func(d delivery) []any { return []any{d.ID, d.Type, d.State, d.Attempts, d.Next, d.Outcome} },
	}.print(ctx, a, c)
}
