package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Projects is what the store knows of projects.
type Projects interface {
	Projects(ctx context.Context, c metal.Caller, of metal.OrganizationID, name string, p metal.Page) ([]metal.Project, int, error)
	Project(context.Context, metal.ProjectID) (metal.Project, error)
	HomeOf(context.Context, metal.UserID) (home metal.OrganizationID, alone bool, err error)
	CreateProject(ctx context.Context, c metal.Request, p metal.Project, home *metal.Organization) error
	ChangeProject(context.Context, metal.Request, metal.ProjectID, metal.ProjectChange) error
	DeleteProject(context.Context, metal.Request, metal.ProjectID) error
}

func (s *server) projectRoutes() []route {
	project := func(method string, verb access.Verb, does string, in any, do handler) route {
		return route{method: method, path: "/projects/{id}", verb: verb, kind: access.Project, code: http.StatusOK, does: does, in: in, out: Project{}, handle: do}
	}
	gone := project(http.MethodDelete, access.Delete, "Delete a project in which nothing is alive.", nil, deleteProject)
	gone.code, gone.out = http.StatusNoContent, nil
	return []route{
		{http.MethodGet, "/projects", access.See, access.Project, http.StatusOK, "List the projects that you may see.", nil, ProjectList{}, listProjects},
		{http.MethodPost, "/projects", access.Create, access.Project, http.StatusCreated, "Make a project, in an organization or your own.", ProjectInput{}, Project{}, createProject},
		{http.MethodGet, "/organizations/{id}/projects", access.See, access.Organization, http.StatusOK, "List an organization's projects that you may see.", nil, ProjectList{}, listProjects},
		{http.MethodPost, "/organizations/{id}/projects", access.Create, access.Project, http.StatusCreated, "Make a project in an organization.", ProjectInput{}, Project{}, createProject},
		project(http.MethodGet, access.See, "Get a project.", nil, getProject),
		project(http.MethodPut, access.Alter, "Change a project.", ProjectInput{}, changeProject),
		project(http.MethodPatch, access.Alter, "Change a project.", ProjectInput{}, changeProject),
		gone,
		{http.MethodGet, "/projects/{id}/customdata", access.See, access.Project, http.StatusOK, "Get a project's custom data.", nil, map[string]any{}, projectCustomData},
	}
}

func listProjects(c *call) (any, error) {
	p, err := c.page()
	if err != nil {
		return nil, err
	}
	all, total, err := c.server.Store.Projects(c.ctx, c.caller, metal.OrganizationID(c.id()), c.query("name"), p)
	if err != nil {
		return nil, err
	}
	list := ProjectList{Projects: make([]Project, len(all)), Meta: c.meta(p, total)}
	for i := range all {
		list.Projects[i] = projectWire(all[i])
	}
	return list, nil
}

func getProject(c *call) (any, error) { return c.project(metal.ProjectID(c.id())) }

func (c *call) project(id metal.ProjectID) (any, error) {
	p, err := c.server.Store.Project(c.ctx, id)
	return projectWire(p), err
}

func projectCustomData(c *call) (any, error) {
	p, err := c.server.Store.Project(c.ctx, metal.ProjectID(c.id()))
	return objectOf(p.CustomData), err
}

func createProject(c *call) (any, error) {
	var in ProjectInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(true); err != nil {
		return nil, err
	}
	p := metal.Project{ID: metal.ProjectID(uuid.NewString()), Name: *in.Name, CustomData: []byte(in.CustomData), Tags: in.Tags}
	home, err := c.homeOf(in.OrganizationID)
	if err != nil {
		return nil, err
	}
	if home.fresh == nil {
		p.Organization = home.id
	}
	c.scope = metal.Scope{Organization: home.id, Project: p.ID}
	if err := c.server.Store.CreateProject(c.ctx, c.change(), p, home.fresh); err != nil {
		return nil, err
	}
	return c.project(p.ID)
}

// home is where a project goes; fresh where that has to be made first.
type home struct {
	id    metal.OrganizationID
	fresh *metal.Organization
}

// homeOf is the organization that the path or the body names; else the caller's
// own; else, for who is a member of nothing, one that is made.
func (c *call) homeOf(named string) (home, error) {
	if c.id() != "" {
		return home{id: metal.OrganizationID(c.id())}, nil // the path's: it was asked for already
	}
	if named != "" {
		at, err := c.server.Store.Whereabouts(c.ctx, "organizations", named)
		if err == nil {
			err = c.allowed(at, access.Create, access.Project)
		}
		if isNotFound(err) {
			err = unprocessable("organization_id: no organization of yours is %q", named)
		}
		return home{id: at.Organization}, err
	}
	if err := c.aPerson(); err != nil {
		return home{}, err
	}
	own, alone, err := c.server.Store.HomeOf(c.ctx, c.caller.User)
	if !errors.Is(err, metal.ErrNotFound) {
		return home{id: own}, err
	}
	if !alone {
		return home{}, unprocessable("organization_id: you may make projects in none of your organizations; make one of your own first, and name it")
	}
	user, err := c.server.Store.User(c.ctx, c.caller.User)
	fresh := metal.Organization{ID: metal.OrganizationID(uuid.NewString()), Name: fullName(user) + " Projects"}
	return home{fresh.ID, &fresh}, err
}

// isNotFound says whether something is not there, or not for this caller.
func isNotFound(err error) bool {
	var no refusal
	return errors.Is(err, metal.ErrNotFound) || errors.As(err, &no) && no.code == http.StatusNotFound
}

func changeProject(c *call) (any, error) {
	var in ProjectInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(false); err != nil {
		return nil, err
	}
	id := metal.ProjectID(c.id())
	to := metal.ProjectChange{Name: given(in.Name), CustomData: []byte(in.CustomData), Tags: in.Tags}
	if err := c.server.Store.ChangeProject(c.ctx, c.change(), id, to); err != nil {
		return nil, err
	}
	return c.project(id)
}

func deleteProject(c *call) (any, error) {
	return nil, c.server.Store.DeleteProject(c.ctx, c.change(), metal.ProjectID(c.id()))
}
