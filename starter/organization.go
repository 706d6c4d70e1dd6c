package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"millwright/internal/metal"
)

// organizationCommand is for operators; customers make their own by the API.
type organizationCommand struct {
	Add    organizationAddCommand    `cmd:"" help:"Add an organization, with its first owner."`
	List   organizationListCommand   `cmd:"" help:"List organizations."`
	Member organizationMemberCommand `cmd:"" help:"Make a user a member of an organization, or of one of its projects."`
}

type organizationAddCommand struct {
	Name  string `arg:"" help:"What it is called."`
	Owner string `env:"-" required:"" placeholder:"EMAIL" help:"The user who owns it."`
}

// Run makes the owner its only member.
func (c organizationAddCommand) Run(ctx context.Context, a *app) error {
	if c.Name == "" {
		return usage(errors.New("an organization has a name"))
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	owner, err := a.userNamed(ctx, c.Owner)
	if err != nil {
		return err
	}
	o := metal.Organization{ID: metal.OrganizationID(uuid.NewString()), Name: c.Name}
	request := byOperator("organization add", "/organizations")
	request.Scope.Organization = o.ID
	if err := store.CreateOrganization(ctx, request, o, owner); err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"organization": o.ID, "name": o.Name, "owner": c.Owner})
	}
	_, err = fmt.Fprintf(a.out, "organization %s (%s), owned by %s\n", o.ID, o.Name, c.Owner)
	return err
}

type organizationListCommand struct{}

// Run prints all that are not deleted.
func (c organizationListCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	all, _, err := store.Organizations(ctx, metal.Caller{Operator: true}, "", unpaged)
	if err != nil {
		return err
	}
	t := &table{columns: []string{"organization", "name", "members", "projects", "created_at"}}
	for _, o := range all {
		t.add(o.ID, o.Name, len(o.Members), len(o.Projects), o.Created)
	}
	return t.print(a.out, a.Output)
}

type organizationMemberCommand struct {
	Organization metal.OrganizationID `arg:"" help:"The organization."`
	Email        string               `arg:"" help:"The user."`
	Role         []metal.MemberRole   `env:"-" required:"" enum:"owner,admin,collaborator,limited_collaborator,billing" help:"What it may be: owner, admin, collaborator, limited_collaborator or billing; several with commas. See starter access."`
	Project      metal.ProjectID      `env:"-" help:"In this project alone."`
}

// Run adds to the roles that the user has there.
func (c organizationMemberCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	user, err := a.userNamed(ctx, c.Email)
	if err != nil {
		return err
	}
	at := metal.Scope{Organization: c.Organization, Project: c.Project}
	if c.Project != "" {
		if err := a.isOf(ctx, c.Project, c.Organization); err != nil {
			return err
		}
		for _, role := range c.Role {
			if role == metal.Owner {
				return usage(errors.New("--role: organizations have owners, projects have none; give admin"))
			}
		}
	}
	request := byOperator("organization member", "/organizations/"+string(c.Organization)+"/members")
	request.Scope = at
	err = store.AddMember(ctx, request, at, user, c.Role)
	if errors.Is(err, metal.ErrNotFound) {
		return fmt.Errorf("there is no organization %s; see starter organization list", c.Organization)
	}
	if err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"organization": c.Organization, "project": c.Project, "email": c.Email, "roles": c.Role})
	}
	_, err = fmt.Fprintf(a.out, "%s is a member now\n", c.Email)
	return err
}

func (a *app) isOf(ctx context.Context, project metal.ProjectID, organization metal.OrganizationID) error {
	p, err := a.projectNamed(ctx, project)
	if err == nil && p.Organization != organization {
		err = fmt.Errorf("project %s is of organization %s", project, p.Organization)
	}
	return err
}
