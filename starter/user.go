package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"

	"github.com/google/uuid"

	"millwright/internal/metal"
)

// userCommand is for operators: it asks the database, not the API.
type userCommand struct {
	Add     userAddCommand     `cmd:"" help:"Add a user, before its first sign-in or without one."`
	List    userListCommand    `cmd:"" help:"List users, and what they are where."`
	Disable userDisableCommand `cmd:"" help:"Shut a user out: its keys open nothing."`
	Enable  userEnableCommand  `cmd:"" help:"Let a disabled user in again."`
}

type userAddCommand struct {
	Email    string `arg:"" help:"Its mail address, by which a sign-in finds it."`
	Name     string `env:"-" help:"What it is called."`
	Operator bool   `env:"-" help:"It may see and do everything in this installation."`
}

// Run adds no key: starter key add does.
func (c userAddCommand) Run(ctx context.Context, a *app) error {
	if parsed, err := mail.ParseAddress(c.Email); err != nil || parsed.Address != c.Email {
		return usage(fmt.Errorf("%q is no mail address", c.Email))
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	user := metal.User{ID: metal.UserID(uuid.NewString()), Email: c.Email, Name: c.Name, Operator: c.Operator}
	if err := store.AddUser(ctx, byOperator("user add", "/users"), user); err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"user": user.ID, "email": c.Email, "operator": c.Operator})
	}
	_, err = fmt.Fprintf(a.out, "user %s (%s); next: starter key add --user %s\n", c.Email, user.ID, c.Email)
	return err
}

type userListCommand struct{}

// Run prints everybody, disabled users too.
func (c userListCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	users, err := store.Queries().ListUsers(ctx)
	if err != nil {
		return fmt.Errorf("list users: %w", err)
	}
	t := &table{columns: []string{"email", "name", "operator", "disabled_at", "organizations", "user"}}
	for _, u := range users {
		t.add(u.Email, u.Name+spaced(u.LastName), u.Operator, u.DisabledAt, u.Organizations, u.ID)
	}
	return t.print(a.out, a.Output)
}

func spaced(name string) string {
	if name == "" {
		return ""
	}
	return " " + name
}

type userDisableCommand struct {
	Email string `arg:"" help:"The user."`
}

// Run holds for its keys at once: none is remembered anywhere.
func (c userDisableCommand) Run(ctx context.Context, a *app) error {
	return a.disableUser(ctx, c.Email, true)
}

type userEnableCommand struct {
	Email string `arg:"" help:"The user."`
}

// Run lets its old keys open again what they did.
func (c userEnableCommand) Run(ctx context.Context, a *app) error {
	return a.disableUser(ctx, c.Email, false)
}

func (a *app) disableUser(ctx context.Context, email string, disabled bool) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	id, err := a.userNamed(ctx, email)
	if err != nil {
		return err
	}
	verb := map[bool]string{true: "disable", false: "enable"}[disabled]
	if err := store.DisableUser(ctx, byOperator("user "+verb, "/users/"+string(id)), id, disabled); err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"user": id, "email": email, "disabled": disabled})
	}
	_, err = fmt.Fprintf(a.out, "user %s is %sd\n", email, verb)
	return err
}

func (a *app) userNamed(ctx context.Context, email string) (metal.UserID, error) {
	store, err := a.database(ctx)
	if err != nil {
		return "", err
	}
	id, err := store.UserByEmail(ctx, email)
	if errors.Is(err, metal.ErrNotFound) {
		err = fmt.Errorf("no user has the address %s; see starter user list", email)
	}
	return id, err
}

// byOperator is how the record of changes tells what came past the API: by a
// command, from whoever may reach the database.
func byOperator(command, path string) metal.Request {
	return metal.Request{ID: uuid.NewString(), Source: "starter", Method: command, Path: path}
}
