package bmc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"millwright/internal/metal"
)

// account is a user of a Redfish BMC (DSP2046, ManagerAccount).
type account struct {
	Path     string `json:"@odata.id"`
	ETag     string `json:"@odata.etag"`
	UserName word
	Enabled  *bool // true where it is left out
	RoleID   word  `json:"RoleId"`
}

// opens is whether anybody may log in so. Slots without a name are free ones.
func (a account) opens() bool { return a.UserName != "" && (a.Enabled == nil || *a.Enabled) }

// accounts lists them, with the path of their collection.
func (s *redfishSession) accounts(ctx context.Context) (list []account, path string, err error) {
	v, err := s.look(ctx)
	if err != nil {
		return nil, "", err
	}
	return v.accounts(ctx)
}

func (v *visit) accounts(ctx context.Context) (list []account, path string, err error) {
	var service struct{ Accounts reference }
	if err := v.get(ctx, v.root.AccountService.orAt(rootPath+"AccountService"), &service); err != nil {
		return nil, "", err
	}
	path = service.Accounts.orAt(rootPath + "AccountService/Accounts")
	list, err = members[account](ctx, v, path, 1)
	return list, path, err
}

func (s *redfishSession) users(ctx context.Context) (names []string, err error) {
	list, _, err := s.accounts(ctx)
	for _, a := range list {
		if a.opens() {
			names = append(names, string(a.UserName))
		}
	}
	return names, err
}

// setPassword changes the user's account, or makes one.
func (s *redfishSession) setPassword(ctx context.Context, next metal.Credential) error {
	s.wire.hide(next.Password)
	list, path, err := s.accounts(ctx)
	if err != nil {
		return err
	}
	if at := slices.IndexFunc(list, func(a account) bool { return string(a.UserName) == next.User }); at >= 0 {
		change := map[string]any{"Password": next.Password}
		if !list[at].opens() {
			change["Enabled"] = true
		}
		return s.patch(ctx, list[at].Path, list[at].ETag, change)
	}
	return s.makeUser(ctx, list, path, next)
}

// makeUser adds an account. On iDRACs accounts are slots that are there from
// the start, the first of which is not for use.
func (s *redfishSession) makeUser(ctx context.Context, list []account, path string, next metal.Credential) error {
	wanted := map[string]any{"UserName": next.User, "Password": next.Password, "RoleId": "Administrator", "Enabled": true}
	_, err := s.post(ctx, path, wanted)
	if err == nil || !s.answered() {
		return err
	}
	for i, a := range list {
		if i > 0 && a.UserName == "" && a.Path != "" {
			return s.patch(ctx, a.Path, a.ETag, wanted)
		}
	}
	return fmt.Errorf("make user %q: %w", next.User, err)
}

func (s *redfishSession) removeUser(ctx context.Context, user string) error {
	list, _, err := s.accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range list {
		if string(a.UserName) == user {
			return s.removeAccount(ctx, a)
		}
	}
	return nil
}

// removeAccount deletes, where that is refused empties the slot, and where that
// is refused too locks the account.
func (s *redfishSession) removeAccount(ctx context.Context, a account) error {
	_, err := s.sendJSON(ctx, ask{method: http.MethodDelete, path: a.Path, etag: a.ETag}, nil)
	for _, change := range []map[string]any{{"Enabled": false, "UserName": ""}, {"Enabled": false}} {
		if err == nil || !s.answered() || errors.Is(err, metal.ErrBadCredentials) {
			return err
		}
		err = s.patch(ctx, a.Path, a.ETag, change)
	}
	return err
}
