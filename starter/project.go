package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/google/uuid"

	"millwright/internal/metal"
)

// projectCommand is for operators; customers have starter my project.
type projectCommand struct {
	Add  projectAddCommand  `cmd:"" help:"Add a project to an organization; under a name that billing has for it already, if you give --id."`
	List projectListCommand `cmd:"" help:"List the projects that the API knows."`
}

type projectAddCommand struct {
	Name         string               `arg:"" help:"What it is called."`
	Organization metal.OrganizationID `env:"-" required:"" help:"Which organization it is of."`
	ID           metal.ProjectID      `env:"-" name:"id" help:"The name by which orders name it, like acme. A UUID is made if you leave it out; clients of the API want one." placeholder:"NAME"`
}

// projectForm is how projects may be named.
var projectForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Run gives what billing ordered before under a name an owner in the API.
func (c projectAddCommand) Run(ctx context.Context, a *app) error {
	p := metal.Project{ID: cmp.Or(c.ID, metal.ProjectID(uuid.NewString())), Organization: c.Organization, Name: c.Name}
	if !projectForm.MatchString(string(p.ID)) || c.Name == "" {
		return usage(errors.New("a project has a name, and its ID has 1 to 63 of a-z 0-9 . _ - and begins with a letter or digit"))
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	request := byOperator("project add", "/projects")
	request.Scope = metal.Scope{Organization: p.Organization, Project: p.ID}
	err = store.CreateProject(ctx, request, p, nil)
	if errors.Is(err, metal.ErrNotFound) {
		return fmt.Errorf("there is no organization %s; see starter organization list", c.Organization)
	}
	if err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"project": p.ID, "organization": p.Organization, "name": p.Name})
	}
	_, err = fmt.Fprintf(a.out, "project %s (%s) of organization %s\n", p.ID, p.Name, p.Organization)
	return err
}

type projectListCommand struct {
	Organization metal.OrganizationID `env:"-" help:"Only this organization's."`
}

// Run leaves out what only billing knows: starter list devices shows those.
func (c projectListCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	projects, _, err := store.Projects(ctx, metal.Caller{Operator: true}, c.Organization, "", unpaged)
	if err != nil {
		return err
	}
	t := &table{columns: []string{"project", "name", "organization", "members", "created_at"}}
	for _, p := range projects {
		t.add(p.ID, p.Name, p.Organization, len(p.Members), p.Created)
	}
	return t.print(a.out, a.Output)
}

// unpaged is a page that no list outgrows.
var unpaged = metal.Page{Limit: 1 << 30}

func (a *app) projectNamed(ctx context.Context, id metal.ProjectID) (metal.Project, error) {
	store, err := a.database(ctx)
	if err != nil {
		return metal.Project{}, err
	}
	p, err := store.Project(ctx, id)
	if errors.Is(err, metal.ErrNotFound) {
		err = fmt.Errorf("the API knows no project %s; give it a row: starter project add NAME --organization ID --id %s", id, id)
	}
	return p, err
}
