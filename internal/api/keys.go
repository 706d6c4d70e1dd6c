package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// APIKeys is what the store knows of what opens this API.
type APIKeys interface {
	APIKeys(ctx context.Context, of metal.Scope, search string, p metal.Page) ([]metal.APIKey, int, error)
	APIKey(context.Context, metal.KeyID) (metal.APIKey, error)
	CreateAPIKey(ctx context.Context, c metal.Request, k metal.APIKey, secret string) error
	RevokeAPIKey(context.Context, metal.Request, metal.KeyID) error
}

func (s *server) keyRoutes() []route {
	const own, ofProject = "/user/api-keys", "/projects/{id}/api-keys"
	routes := []route{
		{method: http.MethodGet, path: own, verb: access.See, kind: access.Self, code: http.StatusOK, does: "List your API keys.", out: APIKeyList{}, handle: listOwnKeys},
		{method: http.MethodPost, path: own, verb: access.Create, kind: access.Self, code: http.StatusCreated, does: "Make an API key of yours. Its token is in this answer, and in no other.", in: APIKeyInput{}, out: APIKey{}, handle: createOwnKey},
		{method: http.MethodGet, path: ofProject, verb: access.See, kind: access.Key, code: http.StatusOK, does: "List a project's API keys.", out: APIKeyList{}, handle: listProjectKeys},
		{method: http.MethodPost, path: ofProject, verb: access.Create, kind: access.Key, code: http.StatusCreated, does: "Make an API key of a project. Its token is in this answer, and in no other.", in: APIKeyInput{}, out: APIKey{}, handle: createProjectKey},
	}
	for _, one := range []string{"/user/api-keys/{id}", "/api-keys/{id}"} { // packngo deletes a project's keys below /user, too
		routes = append(routes,
			route{method: http.MethodGet, path: one, verb: access.See, kind: access.Key, code: http.StatusOK, does: "Get an API key, without its token.", out: APIKey{}, handle: getKey},
			route{method: http.MethodDelete, path: one, verb: access.Delete, kind: access.Key, code: http.StatusNoContent, does: "Revoke an API key, at once and for good.", handle: revokeKey})
	}
	return routes
}

// APIKey is a key as clients decode it.
type APIKey struct {
	ID          string  `json:"id"`
	Href        string  `json:"href"`
	Token       string  `json:"token,omitempty"` // once, in answer to its making
	Description string  `json:"description"`
	ReadOnly    bool    `json:"read_only"`
	Session     bool    `json:"session"` // made by a sign-in
	User        *href   `json:"user,omitempty"`
	Project     *href   `json:"project,omitempty"`
	CreatedAt   *string `json:"created_at"`
	UpdatedAt   *string `json:"updated_at"` // nothing about a key changes
	ExpiresAt   *string `json:"expires_at"`
	LastUsedAt  *string `json:"last_used_at"` // to the minute
}

// APIKeyList is a page of keys.
type APIKeyList struct {
	APIKeys []APIKey `json:"api_keys"`
	Meta    meta     `json:"meta"`
}

// APIKeyInput is what a key is made with. That a key can end by itself is ours:
// Packet's could not.
type APIKeyInput struct {
	Description string `json:"description,omitempty"`
	ReadOnly    bool   `json:"read_only,omitempty"`
	ExpiresAt   string `json:"expires_at,omitempty"`
}

func listOwnKeys(c *call) (any, error)     { return c.keys(metal.Scope{User: c.caller.User}) }
func listProjectKeys(c *call) (any, error) { return c.keys(metal.Scope{Project: c.scope.Project}) }

func (c *call) keys(of metal.Scope) (any, error) {
	p, err := c.page()
	if err != nil {
		return nil, err
	}
	all, total, err := c.server.Store.APIKeys(c.ctx, of, c.query("search"), p)
	if err != nil {
		return nil, err
	}
	list := APIKeyList{APIKeys: make([]APIKey, len(all)), Meta: c.meta(p, total)}
	for i := range all {
		list.APIKeys[i] = keyWire(all[i], "")
	}
	return list, nil
}

func getKey(c *call) (any, error) {
	k, err := c.server.Store.APIKey(c.ctx, metal.KeyID(c.id()))
	return keyWire(k, ""), err
}

func createOwnKey(c *call) (any, error) { return c.createKey(metal.APIKey{User: c.caller.User}) }

func createProjectKey(c *call) (any, error) {
	return c.createKey(metal.APIKey{Project: c.scope.Project})
}

func (c *call) createKey(k metal.APIKey) (any, error) {
	var in APIKeyInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := checkText("description", in.Description, maxLine); err != nil {
		return nil, err
	}
	if in.ExpiresAt != "" {
		at, err := time.Parse(time.RFC3339, in.ExpiresAt)
		if err != nil || !at.After(time.Now()) || at.Year() > lastYear {
			return nil, unprocessable("expires_at: %q is no moment to come, like 2030-01-02T03:04:05Z", in.ExpiresAt)
		}
		k.Expires = at
	}
	k.ID, k.Description, k.ReadOnly, k.Maker = metal.KeyID(uuid.NewString()), in.Description, in.ReadOnly, c.caller.User
	secret := metal.NewAPIKey()
	if err := c.server.Store.CreateAPIKey(c.ctx, c.change(), k, secret); err != nil {
		return nil, err
	}
	kept, err := c.server.Store.APIKey(c.ctx, k.ID)
	return keyWire(kept, secret), err
}

// lastYear is the last that RFC 3339 can write.
const lastYear = 9999

func revokeKey(c *call) (any, error) {
	return nil, c.server.Store.RevokeAPIKey(c.ctx, c.change(), metal.KeyID(c.id()))
}

func keyWire(k metal.APIKey, token string) APIKey {
	wire := APIKey{
		ID: string(k.ID), Href: link("api-keys", string(k.ID)), Token: token, Description: k.Description, ReadOnly: k.ReadOnly, Session: k.Session,
		CreatedAt: stamp(k.Created), UpdatedAt: stamp(k.Created), ExpiresAt: stamp(k.Expires), LastUsedAt: stamp(k.Used),
	}
	if k.User != "" {
		wire.User = &href{link("users", string(k.User))}
	} else {
		wire.Project = &href{link("projects", string(k.Project))}
	}
	return wire
}
