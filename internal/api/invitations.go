package api

import (
	"context"
	"net/http"
	"net/mail"
	"slices"
	"strings"

	"github.com/google/uuid"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// Invitations is what the store knows of who was asked in.
type Invitations interface {
	Invitations(ctx context.Context, of metal.Scope, email string, p metal.Page) ([]metal.Invitation, int, error)
	Invitation(context.Context, metal.InvitationID) (metal.Invitation, error)
	Invite(context.Context, metal.Request, metal.Invitation) error
	Accept(context.Context, metal.Request, metal.InvitationID) (metal.MembershipID, error)
	Dismiss(ctx context.Context, c metal.Request, id metal.InvitationID, outcome string) error
}

// invitationRoutes: no mail is sent. Who signs in with the address that was
// invited finds the invitation at /invitations.
func (s *server) invitationRoutes() []route {
	const one, kind = "/invitations/{id}", access.Member
	routes := []route{
		{method: http.MethodGet, path: "/invitations", verb: access.See, kind: access.Self, code: http.StatusOK, does: "List the invitations to you.", out: InvitationList{}, handle: listOwnInvitations},
		{method: http.MethodGet, path: one, verb: access.See, kind: kind, code: http.StatusOK, does: "Get an invitation.", out: Invitation{}, handle: getInvitation},
		{method: http.MethodPut, path: one, verb: access.Alter, kind: access.Self, code: http.StatusOK, does: "Accept an invitation to you.", out: Membership{}, handle: acceptInvitation},
		{method: http.MethodDelete, path: one, verb: access.Delete, kind: kind, code: http.StatusNoContent, does: "Decline an invitation to you, or withdraw one.", handle: dismissInvitation},
	}
	for _, noun := range []string{"organization", "project"} {
		path := "/" + noun + "s/{id}/invitations"
		routes = append(routes,
			route{method: http.MethodGet, path: path, verb: access.See, kind: kind, code: http.StatusOK, does: "List open invitations into a " + noun + ".", out: InvitationList{}, handle: listInvitations},
			route{method: http.MethodPost, path: path, verb: access.Create, kind: kind, code: http.StatusCreated, does: "Invite somebody into a " + noun + ", as a collaborator if roles says nothing else. No mail is sent: who signs in with the address finds it.", in: InvitationInput{}, out: Invitation{}, handle: createInvitation})
	}
	return routes
}

// Invitation is an invitation as clients decode it.
type Invitation struct {
	ID           string   `json:"id"`
	Href         string   `json:"href"`
	Invitee      string   `json:"invitee"`
	InvitedBy    href     `json:"invited_by"`
	Organization href     `json:"organization"`
	Projects     []href   `json:"projects"`
	Roles        []string `json:"roles"`
	Message      string   `json:"message"`
	CreatedAt    *string  `json:"created_at"`
	UpdatedAt    *string  `json:"updated_at"` // nothing about it changes until it is over
	ExpiresAt    *string  `json:"expires_at"`
}

// InvitationList is a page of them.
type InvitationList struct {
	Invitations []Invitation `json:"invitations"`
	Meta        meta         `json:"meta"`
}

// InvitationInput is who is asked in, and as what. An organization's may lead
// to some of its projects alone.
type InvitationInput struct {
	Invitee        string   `json:"invitee"`
	Roles          []string `json:"roles,omitempty"`
	Message        string   `json:"message,omitempty"`
	ProjectIDs     []string `json:"projects_ids,omitempty"`
	OrganizationID string   `json:"organization_id,omitempty"`
}

func listOwnInvitations(c *call) (any, error) { return c.invitations(metal.Scope{}, c.caller.Email) }
func listInvitations(c *call) (any, error)    { return c.invitations(c.scope, "") }

func (c *call) invitations(of metal.Scope, email string) (any, error) {
	p, err := c.page()
	if err != nil {
		return nil, err
	}
	all, total, err := c.server.Store.Invitations(c.ctx, of, email, p)
	if err != nil {
		return nil, err
	}
	list := InvitationList{Invitations: make([]Invitation, len(all)), Meta: c.meta(p, total)}
	for i := range all {
		list.Invitations[i] = invitationWire(all[i])
	}
	return list, nil
}

func getInvitation(c *call) (any, error) { return c.invitation(metal.InvitationID(c.id())) }

func (c *call) invitation(id metal.InvitationID) (any, error) {
	i, err := c.server.Store.Invitation(c.ctx, id)
	return invitationWire(i), err
}

func createInvitation(c *call) (any, error) {
	if err := c.aPerson(); err != nil {
		return nil, err
	}
	var in InvitationInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	i, err := in.read(c.scope)
	if err != nil {
		return nil, err
	}
	i.ID, i.By = metal.InvitationID(uuid.NewString()), c.caller.User
	if err := c.server.Store.Invite(c.ctx, c.change(), i); err != nil {
		return nil, err
	}
	return c.invitation(i.ID)
}

const (
	maxMessage  = 1000 // characters
	maxProjects = 100  // that one invitation leads to
	maxEmail    = 254  // RFC 5321, section 4.5.3.1.3, less the angle brackets
)

// read checks an invitation into a scope.
func (in InvitationInput) read(at metal.Scope) (metal.Invitation, error) {
	i := metal.Invitation{Email: strings.ToLower(in.Invitee), Organization: at.Organization, Message: in.Message}
	if parsed, err := mail.ParseAddress(i.Email); err != nil || parsed.Address != i.Email || len(i.Email) > maxEmail {
		return i, unprocessable("invitee: %q is no mail address", in.Invitee)
	}
	if err := checkText("message", strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(in.Message), maxMessage); err != nil {
		return i, err
	}
	switch {
	case in.OrganizationID != "" && in.OrganizationID != string(at.Organization):
		return i, unprocessable("organization_id: the path says where the invitation leads; leave it out")
	case len(in.ProjectIDs) > maxProjects:
		return i, unprocessable("projects_ids: %d projects; at most %d", len(in.ProjectIDs), maxProjects)
	case at.Project != "" && !slices.Equal(in.ProjectIDs, []string{string(at.Project)}) && len(in.ProjectIDs) > 0:
		return i, unprocessable("projects_ids: the path names the project; leave it out")
	case at.Project != "":
		i.Projects = []metal.ProjectID{at.Project}
	}
	for _, id := range in.ProjectIDs {
		if at.Project == "" {
			i.Projects = append(i.Projects, metal.ProjectID(id))
		}
	}
	roles, err := readRoles("roles", in.Roles)
	if err == nil && slices.Contains(roles, metal.Owner) {
		err = unprocessable("roles: nobody is invited as an owner; invite an admin, and make an owner of the member")
	}
	if i.Roles = roles; len(roles) == 0 {
		i.Roles = []metal.MemberRole{metal.Collaborator}
	}
	return i, err
}

// acceptInvitation is for who was invited: an operator accepts nothing in
// somebody else's name.
func acceptInvitation(c *call) (any, error) {
	i, err := c.server.Store.Invitation(c.ctx, metal.InvitationID(c.id()))
	if err != nil {
		return nil, err
	}
	if i.Email != c.caller.Email {
		return nil, refuse(http.StatusForbidden, "only who was invited can accept")
	}
	member, err := c.server.Store.Accept(c.ctx, c.change(), i.ID)
	if err != nil {
		return nil, err
	}
	return c.membership(member)
}

func dismissInvitation(c *call) (any, error) {
	i, err := c.server.Store.Invitation(c.ctx, metal.InvitationID(c.id()))
	if err != nil {
		return nil, err
	}
	outcome := "withdrawn"
	if i.Email == c.caller.Email {
		outcome = "declined"
	}
	return nil, c.server.Store.Dismiss(c.ctx, c.change(), i.ID, outcome)
}

func invitationWire(i metal.Invitation) Invitation {
	wire := Invitation{
		ID: string(i.ID), Href: link("invitations", string(i.ID)), Invitee: i.Email, InvitedBy: href{link("users", string(i.By))},
		Organization: href{link("organizations", string(i.Organization))}, Projects: hrefs("projects", i.Projects), Roles: []string{},
		Message: i.Message, CreatedAt: stamp(i.Created), UpdatedAt: stamp(i.Created), ExpiresAt: stamp(i.Expires),
	}
	for _, role := range i.Roles {
		wire.Roles = append(wire.Roles, string(role))
	}
	return wire
}
