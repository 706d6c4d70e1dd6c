package main

import (
	"context"
	"fmt"

	"millwright/internal/apiclient"
)

// deviceSession is what customers do with a device's BGP sessions.
type deviceSession struct {
	List   sessionList   `cmd:"" help:"List a device's sessions."`
	Add    sessionAdd    `cmd:"" help:"Let a device announce addresses of its project."`
	Remove sessionRemove `cmd:"" help:"End a device's session."`
}

type session struct {
	ID           string         `json:"id"`
	Family       string         `json:"address_family"`
	Status       string         `json:"status"`
	DefaultRoute bool           `json:"default_route"`
	Learned      []string       `json:"learned_routes"`
	Device       apiclient.Link `json:"device"`
}

type sessionList struct {
	ofDevice `embed:""`
}

// Run prints one listing.
func (l sessionList) Run(ctx context.Context, a *app) error {
	c, id, err := l.find(ctx)
	if err != nil {
		return err
	}
	return listing[session]{
		path: below("devices", id, "bgp", "sessions"), name: "bgp_sessions", columns: []string{"session", "family", "status", "default_route", "learned"},
		row: func(s session) []any { return []any{s.ID, s.Family, s.Status, s.DefaultRoute, s.Learned} },
	}.print(ctx, a, c)
}

type sessionAdd struct {
	Family   string `arg:"" enum:"ipv4,ipv6" help:"ipv4 or ipv6."`
	ofDevice `embed:""`
	Default  bool `env:"-" name:"default-route" help:"Have the switch announce a default route to it."`
}

// Run asks for it.
func (s sessionAdd) Run(ctx context.Context, a *app) error {
	c, id, err := s.find(ctx)
	if err != nil {
		return err
	}
	var made answered[session]
	body := map[string]any{"address_family": s.Family, "default_route": s.Default}
	if err := c.Post(ctx, below("devices", id, "bgp", "sessions"), body, &made); err != nil {
		return fmt.Errorf("device %s: %w", s.Device, err)
	}
	return made.print(a, func(s session) [][]any {
		return [][]any{{"session", s.ID}, {"family", s.Family}, {"status", s.Status}}
	})
}

type sessionRemove struct {
	customer `embed:""`
	Session  string `arg:"" help:"The session's ID."`
}

// Run ends it.
func (s sessionRemove) Run(ctx context.Context, a *app) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	if err := c.Delete(ctx, below("bgp", "sessions", s.Session)); err != nil {
		return fmt.Errorf("session %s: %w", s.Session, err)
	}
	return a.said("session %s is removed", s.Session)
}
