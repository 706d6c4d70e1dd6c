package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Changes is the record of what was asked for.
type Changes interface {
	Changes(context.Context, metal.AuditFilter, metal.Page) (changes []metal.AuditEntry, total int, err error)
}

func (s *server) auditRoutes() []route {
	return []route{{
		method: "GET", path: "/organizations/{id}/audit", verb: access.See, kind: access.Audit, code: http.StatusOK,
		does: "Lists the changes that were asked for in an organization and its projects, done or refused, the newest first.",
		out:  auditBody{}, handle: audit,
	}, {
		method: "GET", path: "/projects/{id}/audit", verb: access.See, kind: access.Audit, code: http.StatusOK,
		does: "Lists the changes that were asked for in a project, done or refused, the newest first.",
		out:  auditBody{}, handle: audit,
	}}
}

// auditBody is a part of the record. Packet had none: the form is ours.
type auditBody struct {
	Audit []changeBody `json:"audit"`
	Meta  meta         `json:"meta"`
}

type changeBody struct {
	ID      int64   `json:"id"`
	At      string  `json:"at"`
	Request string  `json:"request_id"`
	Caller  string  `json:"caller"` // user/<id>, project-key/<id>
	Email   string  `json:"email,omitempty"`
	Key     string  `json:"key_id"`
	Source  string  `json:"source"`
	Method  string  `json:"method"`
	Path    string  `json:"path"`
	Project *href   `json:"project,omitempty"`
	Thing   *href   `json:"thing,omitempty"`
	Code    int     `json:"code"`
	Outcome string  `json:"outcome"` // done, refused
	Why     *string `json:"why,omitempty"`
}

func audit(c *call) (any, error) {
	page, err := c.page()
	if err != nil {
		return nil, err
	}
	filter := metal.AuditFilter{Organization: c.scope.Organization, Project: c.scope.Project, Caller: c.query("caller"), Outcome: c.query("outcome")}
	if filter.Project != "" {
		filter.Organization = "" // a project that moved keeps its record
	}
	if o := filter.Outcome; o != "" && o != metal.AuditDone && o != "refused" {
		return nil, unprocessable("outcome: %q is none; write done or refused", o)
	}
	if filter.Since, err = c.moment("since"); err != nil {
		return nil, err
	}
	if filter.Until, err = c.moment("until"); err != nil {
		return nil, err
	}
	changes, total, err := c.server.Store.Changes(c.ctx, filter, page)
	if err != nil {
		return nil, err
	}
	body := auditBody{Audit: make([]changeBody, len(changes)), Meta: c.meta(page, total)}
	for i, change := range changes {
		body.Audit[i] = changeOf(change)
	}
	return body, nil
}

func changeOf(m metal.AuditEntry) changeBody {
	body := changeBody{
		ID: m.ID, At: m.At.UTC().Format(time.RFC3339Nano), Request: m.Request, Caller: m.Caller, Email: m.Email, Key: string(m.Key),
		Source: m.Source, Method: m.Method, Path: Base + m.Path, Code: m.Code, Outcome: metal.AuditDone,
	}
	if m.Outcome != metal.AuditDone {
		body.Outcome, body.Why = "refused", &m.Outcome
	}
	if m.Project != "" {
		body.Project = &href{link("projects", string(m.Project))}
	}
	if m.Thing != "" {
		body.Thing = &href{link(strings.TrimPrefix(m.Thing, "/"))}
	}
	return body
}

// moment reads a parameter that is a time; zero where it was not given.
func (c *call) moment(name string) (time.Time, error) {
	given := c.query(name)
	if given == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, given)
	if err != nil {
		return at, unprocessable("%s: %q is no moment; write it as 2026-01-02T03:04:05Z", name, given)
	}
	return at, nil
}
