package main

import (
	"context"
	"fmt"
	"net/url"
	"path"

	"millwright/internal/apiclient"
)

// myCommand is what customers have beside devices and addresses. The same words
// without "my" are the operators', who see everybody's.
type myCommand struct {
	User          myUser          `cmd:"" help:"Who your key is."`
	Organizations myOrganizations `cmd:"" help:"List the organizations that you are in."`
	Projects      myProjects      `cmd:"" help:"List your projects."`
	Project       myProject       `cmd:"" help:"Create, rename or delete a project; let it speak BGP."`
	Usage         myUsage         `cmd:"" help:"What a project used."`
	Hardware      myHardware      `cmd:"" help:"List a project's hardware reservations."`
}

type myUser struct {
	customer `embed:""`
}

// Run says who the key is.
func (u myUser) Run(ctx context.Context, a *app) error {
	c, err := u.client()
	if err != nil {
		return err
	}
	type user struct {
		ID    string `json:"id"`
		Email string `json:"email"`
		Name  string `json:"full_name"`
	}
	var me answered[user]
	if err := c.Get(ctx, "/user", &me); err != nil {
		return fmt.Errorf("who you are: %w", err)
	}
	return me.print(a, func(u user) [][]any { return [][]any{{"user", u.ID}, {"email", u.Email}, {"name", u.Name}} })
}

type myOrganizations struct {
	customer `embed:""`
}

// Run prints one listing.
func (o myOrganizations) Run(ctx context.Context, a *app) error {
	c, err := o.client()
	if err != nil {
		return err
	}
	return listing[apiclient.Link]{
		path: "/organizations", name: "organizations", columns: []string{"organization", "name"},
		row: func(l apiclient.Link) []any { return []any{l.ID, l.Name} },
	}.print(ctx, a, c)
}

type project struct {
	ID           string         `json:"id"`
	Name         string         `json:"name"`
	Created      string         `json:"created_at"`
	Organization apiclient.Link `json:"organization"`
}

type myProjects struct {
	customer `embed:""`
}

// Run prints one listing.
func (p myProjects) Run(ctx context.Context, a *app) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	return listing[project]{
		path: "/projects", name: "projects", columns: []string{"project", "name", "organization", "created_at"},
		row: func(p project) []any { return []any{p.ID, p.Name, lastOf(p.Organization), p.Created} },
	}.print(ctx, a, c)
}

type myUsage struct {
	within `embed:""`
	From   string `env:"-" placeholder:"TIME" help:"Since when, like 2026-11-01T00:00:00Z."`
	To     string `env:"-" placeholder:"TIME" help:"Until when."`
}

// Run prints one listing. Prices are the billing system's.
func (u myUsage) Run(ctx context.Context, a *app) error {
	c, err := u.client()
	if err != nil {
		return err
	}
	id, err := u.project(ctx, c)
	if err != nil {
		return err
	}
	q := url.Values{}
	for name, value := range map[string]string{"created[after]": u.From, "created[before]": u.To} {
		if value != "" {
			q.Set(name, value)
		}
	}
	type usage struct{ Name, Type, Plan, Unit, Quantity any }
	return listing[usage]{
		path: below("projects", id, "usages"), name: "usages", query: q, columns: []string{"name", "type", "plan", "quantity", "unit"},
		row: func(u usage) []any {
			return []any{blank(u.Name), blank(u.Type), blank(u.Plan), blank(u.Quantity), blank(u.Unit)}
		},
	}.print(ctx, a, c)
}

// blank is nothing where there is nothing to print.
func blank(value any) any {
	if value == nil {
		return ""
	}
	return value
}

type myHardware struct {
	within `embed:""`
}

// Run prints one listing.
func (h myHardware) Run(ctx context.Context, a *app) error {
	c, err := h.client()
	if err != nil {
		return err
	}
	id, err := h.project(ctx, c)
	if err != nil {
		return err
	}
	type reserved struct {
		ID            string
		Plan          apiclient.Link
		Facility      apiclient.Link
		Provisionable bool
		Device        apiclient.Link
	}
	return listing[reserved]{
		path: below("projects", id, "hardware-reservations"), name: "hardware_reservations",
		columns: []string{"reservation", "plan", "facility", "provisionable", "device"},
		row: func(r reserved) []any {
			return []any{r.ID, r.Plan.Slug, r.Facility.Code, r.Provisionable, lastOf(r.Device)}
		},
	}.print(ctx, a, c)
}

// lastOf is the ID of what is linked.
func lastOf(l apiclient.Link) string {
	if l.ID != "" || l.Href == "" {
		return l.ID
	}
	return path.Base(l.Href)
}
