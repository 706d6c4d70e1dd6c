package api

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Events are what the API needs to tell what happened. Lists are newest first,
// and come with how many there are on all pages.
type Events interface {
	EventByID(ctx context.Context, id string, operator bool) (metal.Event, error)
	DeviceEvents(ctx context.Context, id metal.DeviceID, operator bool, f metal.EventFilter) ([]metal.Event, int, error)
	ProjectEvents(ctx context.Context, id metal.ProjectID, operator bool, f metal.EventFilter) ([]metal.Event, int, error)
	OrganizationEvents(ctx context.Context, id metal.OrganizationID, operator bool, f metal.EventFilter) ([]metal.Event, int, error)
	CallerEvents(ctx context.Context, c metal.Caller, roles []metal.MemberRole, f metal.EventFilter) ([]metal.Event, int, error)
}

// eventList is a page of events.
type eventList struct {
	Events []metal.EventNotice `json:"events"`
	Meta   meta                `json:"meta"`
}

func (s *server) eventRoutes() []route {
	list := func(path, does string, of eventsOf) route {
		return route{method: http.MethodGet, path: path, verb: access.See, kind: access.Event, code: http.StatusOK,
			does: does + "; newest first, by type and since", out: eventList{}, handle: s.listEvents(of)}
	}
	return []route{
		list("/events", "List what happened in the caller's projects", func(c *call, f metal.EventFilter) ([]metal.Event, int, error) {
			return s.Store.CallerEvents(c.ctx, c.caller, seers(), f)
		}),
		{method: http.MethodGet, path: "/events/{id}", verb: access.See, kind: access.Event, code: http.StatusOK,
			does: "Show one thing that happened", out: metal.EventNotice{}, handle: s.showEvent},
		list("/projects/{id}/events", "List what happened in a project", func(c *call, f metal.EventFilter) ([]metal.Event, int, error) {
			return s.Store.ProjectEvents(c.ctx, c.scope.Project, c.caller.Operator, f)
		}),
		list("/organizations/{id}/events", "List what happened in an organization's projects", func(c *call, f metal.EventFilter) ([]metal.Event, int, error) {
			return s.Store.OrganizationEvents(c.ctx, c.scope.Organization, c.caller.Operator, f)
		}),
		list("/devices/{id}/events", "List what happened to a device", func(c *call, f metal.EventFilter) ([]metal.Event, int, error) {
			return s.Store.DeviceEvents(c.ctx, metal.DeviceID(c.id()), c.caller.Operator, f)
		}),
	}
}

// eventsOf reads a page of somebody's events.
type eventsOf func(*call, metal.EventFilter) ([]metal.Event, int, error)

func (s *server) listEvents(of eventsOf) handler {
	return func(c *call) (any, error) {
		filter, err := c.eventFilter()
		if err != nil {
			return nil, err
		}
		events, total, err := of(c, filter)
		if err != nil {
			return nil, err
		}
		list := eventList{Events: make([]metal.EventNotice, len(events)), Meta: c.meta(filter.Page, total)}
		for i, e := range events {
			list.Events[i] = e.Notice(c.caller.Operator)
		}
		return list, nil
	}
}

func (s *server) showEvent(c *call) (any, error) {
	e, err := s.Store.EventByID(c.ctx, c.id(), c.caller.Operator)
	if err != nil {
		return nil, err
	}
	return e.Notice(c.caller.Operator), nil
}

// seers are the roles that may read events, as the table of access has it.
func seers() []metal.MemberRole {
	var may []metal.MemberRole
	for _, role := range []metal.MemberRole{metal.Owner, metal.Admin, metal.Collaborator, metal.LimitedCollaborator, metal.Accountant} {
		if access.May([]metal.MemberRole{role}, access.See, access.Event) {
			may = append(may, role)
		}
	}
	return may
}

// eventType is a type of events, or all that begin so ("instance.*").
var eventType = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*(\.\*)?$`)

const maxTypes = 100

// eventFilter reads type, since and the page. Types are separated by commas, or
// given one by one.
func (c *call) eventFilter() (f metal.EventFilter, err error) {
	for _, given := range c.request.URL.Query()["type"] {
		for t := range strings.SplitSeq(given, ",") {
			if t = strings.TrimSpace(t); t != "" {
				f.Types = append(f.Types, t)
			}
		}
	}
	if err := checkEventTypes("type", f.Types); err != nil {
		return f, err
	}
	if since := c.query("since"); since != "" {
		if f.Since, err = time.Parse(time.RFC3339, since); err != nil {
			return f, unprocessable("since: %q is no moment; write it as 2026-01-02T03:04:05Z", since)
		}
	}
	f.Page, err = c.page()
	return f, err
}

func checkEventTypes(field string, types []string) error {
	if len(types) > maxTypes {
		return unprocessable("%s: %d of them; at most %d", field, len(types), maxTypes)
	}
	for _, t := range types {
		if len(t) > maxTag || !eventType.MatchString(t) {
			return unprocessable("%s: %q is no type of events; they look like instance.active, and instance.* is all that begin so", field, t)
		}
	}
	return nil
}
