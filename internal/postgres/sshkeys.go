package postgres

import (
	"context"
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// SSHKeys are a user's, or a project's: whichever the scope names; and how many
// there are in all. Search is a part of a label, or a fingerprint.
func (s *Store) SSHKeys(ctx context.Context, of metal.Scope, search string, p metal.Page) ([]metal.SSHKey, int, error) {
	q := s.Queries()
	total, err := q.CountSSHKeys(ctx, query.CountSSHKeysParams{Owner: string(of.User), Project: string(of.Project), Search: search})
	if err != nil {
		return nil, 0, fmt.Errorf("count SSH keys: %w", err)
	}
	rows, err := q.ListSSHKeys(ctx, query.ListSSHKeysParams{
		Owner: string(of.User), Project: string(of.Project), Search: search, Most: int32(p.Limit), Skip: int32(p.Offset),
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list SSH keys: %w", err)
	}
	return each(rows, sshKeyOf), int(total), nil
}

// SSHKey is one; else metal.ErrNotFound.
func (s *Store) SSHKey(ctx context.Context, id metal.SSHKeyID) (metal.SSHKey, error) {
	row, err := s.Queries().GetSSHKey(ctx, string(id))
	return sshKeyOf(row), notFound(err, "SSH key %s", id)
}

func sshKeyOf(r query.SshKey) metal.SSHKey {
	return metal.SSHKey{
		ID: metal.SSHKeyID(r.ID), User: metal.UserID(value(r.User)), Project: metal.ProjectID(value(r.Project)), Label: r.Label,
		Key: r.Key, Fingerprint: r.Fingerprint, Tags: r.Tags, Created: r.CreatedAt, Changed: r.ChangedAt,
	}
}

// CreateSSHKey keeps a key. The same key twice for one owner is refused.
func (s *Store) CreateSSHKey(ctx context.Context, c metal.Request, k metal.SSHKey) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		if k.Project != "" {
			if err := openProject(ctx, q, k.Project); err != nil {
				return "", err
			}
		}
		err := q.InsertSSHKey(ctx, query.InsertSSHKeyParams{
			ID: string(k.ID), Owner: string(k.User), Project: string(k.Project), Label: k.Label, Key: k.Key, Fingerprint: k.Fingerprint, Tags: notNil(k.Tags),
		})
		return "/ssh-keys/" + string(k.ID), knownKey(err)
	})
}

// ChangeSSHKey changes it for devices that are ordered from now on.
func (s *Store) ChangeSSHKey(ctx context.Context, c metal.Request, id metal.SSHKeyID, to metal.SSHKeyChange) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		n, err := q.ChangeSSHKey(ctx, query.ChangeSSHKeyParams{ID: string(id), Label: to.Label, Key: to.Key, Fingerprint: to.Fingerprint, Tags: to.Tags})
		return "/ssh-keys/" + string(id), changedOne(n, knownKey(err), "SSH key %s", id)
	})
}

func knownKey(err error) error {
	return twice(err, "ssh_keys_", "key: it is here already, under another label; give another key, or change that one")
}

// DeleteSSHKey forgets a key. Devices that have it keep it.
func (s *Store) DeleteSSHKey(ctx context.Context, c metal.Request, id metal.SSHKeyID) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		n, err := q.DeleteSSHKey(ctx, string(id))
		return "", changedOne(n, err, "SSH key %s", id)
	})
}
