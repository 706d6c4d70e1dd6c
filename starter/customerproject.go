package main

import (
	"context"
	"fmt"

	"millwright/internal/apiclient"
)

// myProject is what customers do with projects.
type myProject struct {
	Create projectCreate `cmd:"" help:"Create a project."`
	Rename projectRename `cmd:"" help:"Give a project another name."`
	Delete projectDelete `cmd:"" help:"Delete a project. Refused while something in it is alive."`
	BGP    projectBGP    `cmd:"" name:"bgp" help:"Let a project's devices speak BGP with their switches."`
}

func projectFacts(p project) [][]any {
	return [][]any{{"project", p.ID}, {"name", p.Name}, {"organization", lastOf(p.Organization)}}
}

type projectCreate struct {
	customer     `embed:""`
	Name         string `arg:"" help:"What it is called."`
	Organization string `env:"-" placeholder:"ID-OR-NAME" help:"Who pays; needed where you are in several."`
}

// Run creates it.
func (p projectCreate) Run(ctx context.Context, a *app) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	body := map[string]any{"name": p.Name}
	if p.Organization != "" {
		if body["organization_id"], err = p.organization(ctx, c); err != nil {
			return err
		}
	}
	var made answered[project]
	if err := c.Post(ctx, "/projects", body, &made); err != nil {
		return fmt.Errorf("create a project: %w", err)
	}
	return made.print(a, projectFacts)
}

func (p projectCreate) organization(ctx context.Context, c *apiclient.Client) (string, error) {
	if uuidForm.MatchString(p.Organization) {
		return p.Organization, nil
	}
	items, err := c.List(ctx, "/organizations", "organizations", nil)
	if err != nil {
		return "", fmt.Errorf("list your organizations: %w", err)
	}
	mine, err := linksOf(items)
	if err != nil {
		return "", err
	}
	return choose("organization", p.Organization, mine)
}

type projectRename struct {
	within `embed:""`
	Name   string `arg:"" help:"Its new name."`
}

// Run renames it.
func (p projectRename) Run(ctx context.Context, a *app) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	id, err := p.project(ctx, c)
	if err != nil {
		return err
	}
	var changed answered[project]
	if err := c.Put(ctx, below("projects", id), map[string]string{"name": p.Name}, &changed); err != nil {
		return fmt.Errorf("rename the project: %w", err)
	}
	return changed.print(a, projectFacts)
}

type projectDelete struct {
	customer `embed:""`
	Project  string `arg:"" completion-predictor:"project" help:"Its ID; a name is not enough to delete something by."`
}

// Run deletes it.
func (p projectDelete) Run(ctx context.Context, a *app) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	if err := c.Delete(ctx, below("projects", p.Project)); err != nil {
		return fmt.Errorf("project %s: %w", p.Project, err)
	}
	return a.said("project %s is deleted", p.Project)
}

type projectBGP struct {
	within     `embed:""`
	Deployment string `env:"-" enum:"local,global" default:"local" help:"local: a private AS number, seen by the site's switches alone; global: your own."`
	AS         int64  `env:"-" name:"as" default:"65000" placeholder:"N" help:"The devices' AS number."`
	UseCase    string `env:"-" help:"What it is for."`
}

// Run asks for it, and says what stands then.
func (p projectBGP) Run(ctx context.Context, a *app) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	id, err := p.project(ctx, c)
	if err != nil {
		return err
	}
	body := map[string]any{"deployment_type": p.Deployment, "asn": p.AS, "use_case": p.UseCase}
	if err := c.Post(ctx, below("projects", id, "bgp-configs"), body, nil); err != nil {
		return fmt.Errorf("BGP of the project: %w", err)
	}
	return a.said("the project's devices may speak BGP as AS %d (%s); next: starter device session add ipv4 DEVICE", p.AS, p.Deployment)
}
