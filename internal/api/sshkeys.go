package api

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"millwright/internal/access"
	"millwright/internal/metal"
)

// SSHKeys is what the store knows of public keys of users and projects.
type SSHKeys interface {
	SSHKeys(ctx context.Context, of metal.Scope, search string, p metal.Page) ([]metal.SSHKey, int, error)
	SSHKey(context.Context, metal.SSHKeyID) (metal.SSHKey, error)
	CreateSSHKey(context.Context, metal.Request, metal.SSHKey) error
	ChangeSSHKey(context.Context, metal.Request, metal.SSHKeyID, metal.SSHKeyChange) error
	DeleteSSHKey(context.Context, metal.Request, metal.SSHKeyID) error
}

func (s *server) sshKeyRoutes() []route {
	const own, ofProject, one = "/ssh-keys", "/projects/{id}/ssh-keys", "/ssh-keys/{id}"
	return []route{
		{http.MethodGet, own, access.See, access.Self, http.StatusOK, "List your SSH keys.", nil, SSHKeyList{}, listOwnSSHKeys},
		{http.MethodPost, own, access.Create, access.Self, http.StatusCreated, "Add an SSH key of yours.", SSHKeyInput{}, SSHKey{}, createOwnSSHKey},
		{http.MethodGet, ofProject, access.See, access.SSHKey, http.StatusOK, "List a project's SSH keys.", nil, SSHKeyList{}, listProjectSSHKeys},
		{http.MethodPost, ofProject, access.Create, access.SSHKey, http.StatusCreated, "Add an SSH key to a project.", SSHKeyInput{}, SSHKey{}, createProjectSSHKey},
		{http.MethodGet, one, access.See, access.SSHKey, http.StatusOK, "Get an SSH key.", nil, SSHKey{}, getSSHKey},
		{http.MethodPut, one, access.Alter, access.SSHKey, http.StatusOK, "Change an SSH key.", SSHKeyInput{}, SSHKey{}, changeSSHKey},
		{http.MethodPatch, one, access.Alter, access.SSHKey, http.StatusOK, "Change an SSH key.", SSHKeyInput{}, SSHKey{}, changeSSHKey},
		{http.MethodDelete, one, access.Delete, access.SSHKey, http.StatusNoContent, "Delete an SSH key. Devices keep it.", nil, nil, deleteSSHKey},
	}
}

func listOwnSSHKeys(c *call) (any, error) { return c.sshKeys(metal.Scope{User: c.caller.User}) }
func listProjectSSHKeys(c *call) (any, error) {
	return c.sshKeys(metal.Scope{Project: c.scope.Project})
}

func (c *call) sshKeys(of metal.Scope) (any, error) {
	p, err := c.page()
	if err != nil {
		return nil, err
	}
	all, total, err := c.server.Store.SSHKeys(c.ctx, of, c.query("search"), p)
	if err != nil {
		return nil, err
	}
	list := SSHKeyList{SSHKeys: make([]SSHKey, len(all)), Meta: c.meta(p, total)}
	for i := range all {
		list.SSHKeys[i] = sshKeyWire(all[i])
	}
	return list, nil
}

func getSSHKey(c *call) (any, error) { return c.sshKey(metal.SSHKeyID(c.id())) }

func (c *call) sshKey(id metal.SSHKeyID) (any, error) {
	k, err := c.server.Store.SSHKey(c.ctx, id)
	return sshKeyWire(k), err
}

func createOwnSSHKey(c *call) (any, error) {
	return c.createSSHKey(metal.SSHKey{User: c.caller.User})
}

func createProjectSSHKey(c *call) (any, error) {
	return c.createSSHKey(metal.SSHKey{Project: c.scope.Project})
}

func (c *call) createSSHKey(k metal.SSHKey) (any, error) {
	var in SSHKeyInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(true); err != nil {
		return nil, err
	}
	line, print, err := readSSHKey(in.Key)
	if err != nil {
		return nil, err
	}
	k.ID, k.Label, k.Key, k.Fingerprint, k.Tags = metal.SSHKeyID(uuid.NewString()), in.Label, line, print, in.Tags
	if err := c.server.Store.CreateSSHKey(c.ctx, c.change(), k); err != nil {
		return nil, err
	}
	return c.sshKey(k.ID)
}

func changeSSHKey(c *call) (any, error) {
	var in SSHKeyInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.check(false); err != nil {
		return nil, err
	}
	to := metal.SSHKeyChange{Label: given(&in.Label), Tags: in.Tags}
	if in.Key != "" {
		line, print, err := readSSHKey(in.Key)
		if err != nil {
			return nil, err
		}
		to.Key, to.Fingerprint = &line, &print
	}
	id := metal.SSHKeyID(c.id())
	if err := c.server.Store.ChangeSSHKey(c.ctx, c.change(), id, to); err != nil {
		return nil, err
	}
	return c.sshKey(id)
}

func deleteSSHKey(c *call) (any, error) {
	return nil, c.server.Store.DeleteSSHKey(c.ctx, c.change(), metal.SSHKeyID(c.id()))
}
