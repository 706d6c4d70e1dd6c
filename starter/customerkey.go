package main

import (
	"context"
	"fmt"

	"millwright/internal/apiclient"
)

// sshKeyCommand is what customers do with the keys that open their devices.
type sshKeyCommand struct {
	Add    sshKeyAdd    `cmd:"" help:"Add a public key: yours, or with --project a project's."`
	List   sshKeyList   `cmd:"" help:"List your keys, or with --project a project's."`
	Remove sshKeyRemove `cmd:"" help:"Remove a key. Devices that have it keep it."`
}

// ofKeys is whose keys are meant.
type ofKeys struct {
	within `embed:""`
}

func (o ofKeys) path(ctx context.Context) (*apiclient.Client, string, error) {
	c, err := o.client()
	if err != nil || o.Project == "" {
		return c, "/ssh-keys", err
	}
	project, err := o.project(ctx, c)
	return c, below("projects", project, "ssh-keys"), err
}

type sshKey struct {
	ID          string         `json:"id"`
	Label       string         `json:"label"`
	Fingerprint string         `json:"fingerprint"`
	Created     string         `json:"created_at"`
	Owner       apiclient.Link `json:"owner"`
}

type sshKeyAdd struct {
	ofKeys `embed:""`
	File   string `arg:"" type:"existingfile" help:"The public key, such as ~/.ssh/id_ed25519.pub."`
	Label  string `env:"-" help:"What you call it; left out, the file's name."`
}

// Run adds the file's one key.
func (k sshKeyAdd) Run(ctx context.Context, a *app) error {
	keys, err := publicKeys(k.File)
	if err != nil {
		return err
	}
	if len(keys) != 1 {
		return usage(fmt.Errorf("%s has %d keys; want one", k.File, len(keys)))
	}
	c, path, err := k.path(ctx)
	if err != nil {
		return err
	}
	label := k.Label
	if label == "" {
		label = k.File
	}
	var made answered[sshKey]
	if err := c.Post(ctx, path, map[string]string{"label": label, "key": keys[0]}, &made); err != nil {
		return fmt.Errorf("add an SSH key: %w", err)
	}
	return made.print(a, func(k sshKey) [][]any {
		return [][]any{{"key", k.ID}, {"label", k.Label}, {"fingerprint", k.Fingerprint}}
	})
}

type sshKeyList struct {
	ofKeys `embed:""`
}

// Run prints one listing.
func (l sshKeyList) Run(ctx context.Context, a *app) error {
	c, path, err := l.path(ctx)
	if err != nil {
		return err
	}
	return listing[sshKey]{
		path: path, name: "ssh_keys", columns: []string{"key", "label", "fingerprint", "created_at"},
		row: func(k sshKey) []any { return []any{k.ID, k.Label, k.Fingerprint, k.Created} },
	}.print(ctx, a, c)
}

type sshKeyRemove struct {
	customer `embed:""`
	ID       string `arg:"" name:"key" help:"The key's ID."`
}

// Run removes it.
func (k sshKeyRemove) Run(ctx context.Context, a *app) error {
	c, err := k.client()
	if err != nil {
		return err
	}
	if err := c.Delete(ctx, below("ssh-keys", k.ID)); err != nil {
		return fmt.Errorf("SSH key %s: %w", k.ID, err)
	}
	return a.said("SSH key %s is removed", k.ID)
}
