package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// keyCommand is for operators: the first key of all comes from here.
type keyCommand struct {
	Add    keyAddCommand    `cmd:"" help:"Make a key of the API for a user or a project, and print it. It is shown once, and kept nowhere."`
	List   keyListCommand   `cmd:"" help:"List keys of the API: whose, since when, last used when. Never the keys themselves."`
	Revoke keyRevokeCommand `cmd:"" help:"Shut a key out, at once and for good."`
}

type keyAddCommand struct {
	User        string          `env:"-" xor:"owner" required:"" placeholder:"EMAIL" help:"The user whose key it is; or give --project."`
	Project     metal.ProjectID `env:"-" xor:"owner" required:"" help:"The project whose key it is; or give --user."`
	Description string          `env:"-" help:"What it is for."`
	ReadOnly    bool            `env:"-" help:"It changes nothing."`
	Expires     time.Duration   `env:"-" help:"How long it opens; for ever, if you say nothing." placeholder:"720h"`
}

// Run prints the key alone on standard output, so that a script can take it.
func (c keyAddCommand) Run(ctx context.Context, a *app) error {
	if c.Expires < 0 {
		return usage(errors.New("--expires: want a time to come"))
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	k := metal.APIKey{ID: metal.KeyID(uuid.NewString()), Project: c.Project, Description: c.Description, ReadOnly: c.ReadOnly}
	if c.Expires > 0 {
		k.Expires = time.Now().Add(c.Expires)
	}
	request := byOperator("key add", "/projects/"+string(c.Project)+"/api-keys")
	if c.User != "" {
		if k.User, err = a.userNamed(ctx, c.User); err != nil {
			return err
		}
		request.Path = "/user/api-keys"
	} else {
		project, err := a.projectNamed(ctx, c.Project)
		if err != nil {
			return err
		}
		request.Scope = metal.Scope{Organization: project.Organization, Project: project.ID}
	}
	secret := metal.NewAPIKey()
	if err := store.CreateAPIKey(ctx, request, k, secret); err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"key": k.ID, "token": secret})
	}
	fmt.Fprintf(a.errs, "key %s; it is shown this once:\n", k.ID)
	_, err = fmt.Fprintln(a.out, secret)
	return err
}

type keyListCommand struct {
	User    string          `env:"-" placeholder:"EMAIL" help:"Only this user's."`
	Project metal.ProjectID `env:"-" help:"Only this project's."`
	All     bool            `env:"-" help:"Revoked ones, too."`
}

// Run prints expired keys as well: their column says so.
func (c keyListCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	var owner metal.UserID
	if c.User != "" {
		if owner, err = a.userNamed(ctx, c.User); err != nil {
			return err
		}
	}
	keys, err := store.Queries().ListAllAPIKeys(ctx, query.ListAllAPIKeysParams{Owner: string(owner), Project: string(c.Project), WithRevoked: c.All})
	if err != nil {
		return fmt.Errorf("list API keys: %w", err)
	}
	t := &table{columns: []string{"key", "user", "project", "description", "read_only", "created_at", "used_at", "expires_at", "revoked_at"}}
	for _, k := range keys {
		project := ""
		if k.Project != nil {
			project = *k.Project
		}
		t.add(k.ID, k.Email, project, k.Description, k.ReadOnly, k.CreatedAt, k.UsedAt, k.ExpiresAt, k.RevokedAt)
	}
	return t.print(a.out, a.Output)
}

type keyRevokeCommand struct {
	Key metal.KeyID `arg:"" help:"Its ID, as starter key list prints it. Never the key itself."`
}

// Run repeats nothing that may be the key itself.
func (c keyRevokeCommand) Run(ctx context.Context, a *app) error {
	if uuid.Validate(string(c.Key)) != nil {
		return usage(errors.New("want the ID of a key, a UUID; see starter key list. If that was the key itself, it stands in your shell's history now: revoke it by its ID"))
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	err = store.RevokeAPIKey(ctx, byOperator("key revoke", "/api-keys/"+string(c.Key)), c.Key)
	if errors.Is(err, metal.ErrNotFound) {
		return fmt.Errorf("no key %s opens anything; see starter key list --all", c.Key)
	}
	if err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"key": c.Key, "revoked": true})
	}
	_, err = fmt.Fprintf(a.out, "key %s is revoked\n", c.Key)
	return err
}
