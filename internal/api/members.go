package api

import (
	"context"
	"net/http"
	"slices"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Memberships is what the store knows of who is what where.
type Memberships interface {
	Memberships(ctx context.Context, of metal.Scope, search string, p metal.Page) ([]metal.Membership, int, error)
	Membership(context.Context, metal.MembershipID) (metal.Membership, error)
	ChangeMembership(ctx context.Context, c metal.Request, id metal.MembershipID, roles []metal.MemberRole) error
	DeleteMembership(context.Context, metal.Request, metal.MembershipID) error
}

func (s *server) memberRoutes() []route {
	const one, kind = "/memberships/{id}", access.Member
	return append(s.invitationRoutes(),
		route{method: http.MethodGet, path: "/organizations/{id}/members", verb: access.See, kind: kind, code: http.StatusOK, does: "List who is what in an organization.", out: MemberList{}, handle: listMembers},
		route{method: http.MethodDelete, path: "/organizations/{id}/members/{member}", verb: access.Delete, kind: kind, code: http.StatusNoContent, does: "End a membership in an organization.", handle: deleteMember},
		route{method: http.MethodGet, path: "/projects/{id}/memberships", verb: access.See, kind: kind, code: http.StatusOK, does: "List who is what in a project alone.", out: MembershipList{}, handle: listMemberships},
		route{method: http.MethodGet, path: one, verb: access.See, kind: kind, code: http.StatusOK, does: "Get a membership.", out: Membership{}, handle: getMembership},
		route{method: http.MethodPut, path: one, verb: access.Alter, kind: kind, code: http.StatusOK, does: "Give a member other roles.", in: MembershipInput{}, out: Membership{}, handle: changeMembership},
		route{method: http.MethodDelete, path: one, verb: access.Delete, kind: kind, code: http.StatusNoContent, does: "End a membership; everybody may end their own.", handle: deleteMembership},
	)
}

// Membership is a membership as clients decode it.
type Membership struct {
	ID            string   `json:"id"`
	Href          string   `json:"href"`
	Roles         []string `json:"roles"`
	User          href     `json:"user"`
	Organization  href     `json:"organization"`
	Project       *href    `json:"project,omitempty"`
	Projects      []href   `json:"projects"` // the same again, as packngo decodes a member
	ProjectsCount int      `json:"projects_count"`
	CreatedAt     *string  `json:"created_at"`
	UpdatedAt     *string  `json:"updated_at"`
}

// MembershipList is a page of a project's.
type MembershipList struct {
	Memberships []Membership `json:"memberships"`
	Meta        meta         `json:"meta"`
}

// MemberList is a page of an organization's.
type MemberList struct {
	Members []Membership `json:"members"`
	Meta    meta         `json:"meta"`
}

// MembershipInput is what becomes of a member. The API's description has a list
// named role.
type MembershipInput struct {
	Role []string `json:"role"`
}

func listMembers(c *call) (any, error) {
	all, meta, err := c.memberships()
	return MemberList{all, meta}, err
}

func listMemberships(c *call) (any, error) {
	all, meta, err := c.memberships()
	return MembershipList{all, meta}, err
}

func (c *call) memberships() ([]Membership, meta, error) {
	p, err := c.page()
	if err != nil {
		return nil, meta{}, err
	}
	all, total, err := c.server.Store.Memberships(c.ctx, c.scope, c.query("search"), p)
	wire := make([]Membership, len(all))
	for i := range all {
		wire[i] = membershipWire(all[i])
	}
	return wire, c.meta(p, total), err
}

func getMembership(c *call) (any, error) { return c.membership(metal.MembershipID(c.id())) }

func (c *call) membership(id metal.MembershipID) (any, error) {
	m, err := c.server.Store.Membership(c.ctx, id)
	return membershipWire(m), err
}

// changeMembership asks again whether the caller may: its own membership is the
// caller's to leave, not to raise.
func changeMembership(c *call) (any, error) {
	m, err := c.server.Store.Membership(c.ctx, metal.MembershipID(c.id()))
	if err != nil {
		return nil, err
	}
	if err := c.allowed(scopeOf(m), access.Alter, access.Member); err != nil {
		return nil, err
	}
	var in MembershipInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	roles, err := readRoles("role", in.Role)
	switch {
	case err != nil:
		return nil, err
	case len(roles) == 0:
		return nil, unprocessable("role: missing; give a list of roles")
	case m.Project != "" && slices.Contains(roles, metal.Owner):
		return nil, unprocessable("role: organizations have owners, projects have none; give admin")
	}
	if err := c.mayGive(scopeOf(m), slices.Concat(m.Roles, roles)); err != nil {
		return nil, err
	}
	if err := c.server.Store.ChangeMembership(c.ctx, c.change(), m.ID, roles); err != nil {
		return nil, err
	}
	return c.membership(m.ID)
}

// mayGive refuses roles that the caller may neither give nor take.
func (c *call) mayGive(at metal.Scope, roles []metal.MemberRole) error {
	own, err := c.server.Store.Roles(c.ctx, c.caller, at)
	if err != nil {
		return err
	}
	for _, role := range roles {
		if !access.MayGive(own, role) {
			return refuse(http.StatusForbidden, "role: %s is for owners to give and to take", role)
		}
	}
	return nil
}

func scopeOf(m metal.Membership) metal.Scope {
	return metal.Scope{Organization: m.Organization, Project: m.Project}
}

// deleteMember takes a membership's ID, as packngo does.
func deleteMember(c *call) (any, error) {
	m, err := c.server.Store.Membership(c.ctx, metal.MembershipID(c.request.PathValue("member")))
	if err != nil {
		return nil, err
	}
	if m.Organization != c.scope.Organization {
		return nil, errNotFound()
	}
	return nil, c.endMembership(m)
}

func deleteMembership(c *call) (any, error) {
	m, err := c.server.Store.Membership(c.ctx, metal.MembershipID(c.id()))
	if err != nil {
		return nil, err
	}
	return nil, c.endMembership(m)
}

// endMembership lets everybody leave, and owners alone send an owner away.
func (c *call) endMembership(m metal.Membership) error {
	if m.User != c.caller.User {
		if err := c.mayGive(scopeOf(m), m.Roles); err != nil {
			return err
		}
	}
	return c.server.Store.DeleteMembership(c.ctx, c.change(), m.ID)
}

// givable are the roles that members have.
var givable = []metal.MemberRole{metal.Owner, metal.Admin, metal.Collaborator, metal.LimitedCollaborator, metal.Accountant}

func readRoles(field string, names []string) ([]metal.MemberRole, error) {
	var roles []metal.MemberRole
	for _, name := range names {
		role := metal.MemberRole(name)
		if !slices.Contains(givable, role) {
			return nil, unprocessable("%s: %q is no role; there are owner, admin, collaborator, limited_collaborator and billing", field, name)
		}
		roles = append(roles, role)
	}
	slices.Sort(roles)
	return slices.Compact(roles), nil
}

func membershipWire(m metal.Membership) Membership {
	wire := Membership{
		ID: string(m.ID), Href: link("memberships", string(m.ID)), Roles: []string{}, User: href{link("users", string(m.User))},
		Organization: href{link("organizations", string(m.Organization))}, Projects: []href{},
		CreatedAt: stamp(m.Created), UpdatedAt: stamp(m.Changed),
	}
	for _, role := range m.Roles {
		wire.Roles = append(wire.Roles, string(role))
	}
	if m.Project != "" {
		wire.Project = &href{link("projects", string(m.Project))}
		wire.Projects, wire.ProjectsCount = []href{*wire.Project}, 1
	}
	return wire
}
