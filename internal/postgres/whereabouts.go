package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// whereabouts say whose a thing is, by the first part of its path in the API.
var whereabouts = map[string]func(context.Context, *query.Queries, string) (metal.Scope, error){
	"projects": func(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
		row, err := q.ScopeOfProject(ctx, id)
		return metal.Scope{Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project)}, err
	},
	"organizations": func(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
		found, err := q.ScopeOfOrganization(ctx, id)
		return metal.Scope{Organization: metal.OrganizationID(found)}, err
	},
	"ips":          scopeOfAddress,
	"bgp/sessions": scopeOfSession,
	"events":       scopeOfEvent,
	"webhooks":     scopeOfWebhook,
	"devices": func(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
		row, err := q.ScopeOfDevice(ctx, id)
		return metal.Scope{Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project)}, err
	},
	"batches": func(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
		row, err := q.ScopeOfBatch(ctx, id)
		return metal.Scope{Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project)}, err
	},
	"ports": func(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
		row, err := q.ScopeOfPort(ctx, id)
		return metal.Scope{Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project)}, err
	},
	"hardware-reservations": func(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
		row, err := q.ScopeOfHardware(ctx, id)
		return metal.Scope{Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project)}, err
	},
	"users": func(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
		row, err := q.GetUser(ctx, id)
		return metal.Scope{User: metal.UserID(row.ID)}, err
	},
	"ssh-keys": func(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
		row, err := q.ScopeOfSSHKey(ctx, id)
		return metal.Scope{Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project), User: metal.UserID(row.User)}, err
	},
	"api-keys":      keyIs,
	"user/api-keys": keyIs,
	"memberships": func(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
		row, err := q.GetMembership(ctx, id)
		return metal.Scope{Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project), User: metal.UserID(row.User)}, err
	},
	"invitations": func(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
		row, err := q.ScopeOfInvitation(ctx, id)
		return metal.Scope{Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project), User: metal.UserID(row.User)}, err
	},
}

func keyIs(ctx context.Context, q *query.Queries, id string) (metal.Scope, error) {
	row, err := q.ScopeOfAPIKey(ctx, id)
	return metal.Scope{Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project), User: metal.UserID(row.User)}, err
}

// Whereabouts says whose the thing at a path is: ("devices", its ID). There may
// be none: metal.ErrNotFound.
func (s *Store) Whereabouts(ctx context.Context, kind, id string) (metal.Scope, error) {
	look, known := whereabouts[kind]
	if !known {
		return metal.Scope{}, fmt.Errorf("%s %s: nobody knows whose %s are: %w", kind, id, kind, metal.ErrNotFound)
	}
	scope, err := look(ctx, s.Queries(), id)
	if errors.Is(err, pgx.ErrNoRows) {
		return scope, fmt.Errorf("%s/%s: %w", kind, id, metal.ErrNotFound)
	}
	return scope, err
}
