package api

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Organizations is what the store knows of who pays.
type Organizations interface {
	Organizations(ctx context.Context, c metal.Caller, name string, p metal.Page) ([]metal.Organization, int, error)
	Organization(context.Context, metal.OrganizationID) (metal.Organization, error)
	CreateOrganization(ctx context.Context, c metal.Request, o metal.Organization, owner metal.UserID) error
	ChangeOrganization(context.Context, metal.Request, metal.OrganizationID, metal.OrganizationChange) error
	DeleteOrganization(context.Context, metal.Request, metal.OrganizationID) error
}

func (s *server) organizationRoutes() []route {
	const all, one, kind = "/organizations", "/organizations/{id}", access.Organization
	return []route{
		{method: http.MethodGet, path: all, verb: access.See, kind: kind, code: http.StatusOK, does: "List the organizations that you are a member of.", out: OrganizationList{}, handle: listOrganizations},
		{method: http.MethodPost, path: all, verb: access.Create, kind: kind, code: http.StatusCreated, does: "Make an organization that you own.", in: OrganizationInput{}, out: Organization{}, handle: createOrganization},
		{method: http.MethodGet, path: one, verb: access.See, kind: kind, code: http.StatusOK, does: "Get an organization.", out: Organization{}, handle: getOrganization},
		{method: http.MethodPut, path: one, verb: access.Alter, kind: kind, code: http.StatusOK, does: "Change an organization.", in: OrganizationInput{}, out: Organization{}, handle: changeOrganization},
		{method: http.MethodPatch, path: one, verb: access.Alter, kind: kind, code: http.StatusOK, does: "Change an organization.", in: OrganizationInput{}, out: Organization{}, handle: changeOrganization},
		{method: http.MethodDelete, path: one, verb: access.Delete, kind: kind, code: http.StatusNoContent, does: "Delete an organization that has no projects.", handle: deleteOrganization},
		{method: http.MethodGet, path: one + "/customdata", verb: access.See, kind: kind, code: http.StatusOK, does: "Get an organization's custom data.", out: map[string]any{}, handle: organizationCustomData},
	}
}

func listOrganizations(c *call) (any, error) {
	p, err := c.page()
	if err != nil {
		return nil, err
	}
	all, total, err := c.server.Store.Organizations(c.ctx, c.caller, c.query("name"), p)
	if err != nil {
		return nil, err
	}
	list := OrganizationList{Organizations: make([]Organization, len(all)), Meta: c.meta(p, total)}
	for i := range all {
		list.Organizations[i] = organizationWire(all[i])
	}
	return list, nil
}

func getOrganization(c *call) (any, error) { return c.organization(metal.OrganizationID(c.id())) }

func (c *call) organization(id metal.OrganizationID) (any, error) {
	o, err := c.server.Store.Organization(c.ctx, id)
	return organizationWire(o), err
}

func organizationCustomData(c *call) (any, error) {
	o, err := c.server.Store.Organization(c.ctx, metal.OrganizationID(c.id()))
	return objectOf(o.CustomData), err
}

func createOrganization(c *call) (any, error) {
	if err := c.aPerson(); err != nil {
		return nil, err
	}
	in, err := c.organizationInput(true)
	if err != nil {
		return nil, err
	}
	o := metal.Organization{
		ID: metal.OrganizationID(uuid.NewString()), Name: *in.Name, Description: said(in.Description), Website: said(in.Website),
		Address: in.Address.object(), BillingAddress: in.BillingAddress.object(), CustomData: []byte(in.CustomData),
	}
	c.scope.Organization = o.ID
	if err := c.server.Store.CreateOrganization(c.ctx, c.change(), o, c.caller.User); err != nil {
		return nil, err
	}
	return c.organization(o.ID)
}

func changeOrganization(c *call) (any, error) {
	in, err := c.organizationInput(false)
	if err != nil {
		return nil, err
	}
	id := metal.OrganizationID(c.id())
	err = c.server.Store.ChangeOrganization(c.ctx, c.change(), id, metal.OrganizationChange{
		Name: given(in.Name), Description: in.Description, Website: in.Website,
		Address: in.Address.object(), BillingAddress: in.BillingAddress.object(), CustomData: []byte(in.CustomData),
	})
	if err != nil {
		return nil, err
	}
	return c.organization(id)
}

func (c *call) organizationInput(fresh bool) (in OrganizationInput, err error) {
	if err = c.decode(&in); err == nil {
		err = in.check(fresh)
	}
	return in, err
}

func deleteOrganization(c *call) (any, error) {
	return nil, c.server.Store.DeleteOrganization(c.ctx, c.change(), metal.OrganizationID(c.id()))
}
