package bmc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"millwright/internal/metal"
)

// warden is a session that can say who may use its BMC.
type warden interface {
	users(ctx context.Context) ([]string, error)
	setPassword(ctx context.Context, next metal.Credential) error
	removeUser(ctx context.Context, user string) error
}

// Users are the names of all who may log in.
func (d *Driver) Users(ctx context.Context, b metal.BMC) (names []string, err error) {
	err = d.warded(ctx, b, "list users", func(ctx context.Context, w warden) (err error) {
		names, err = w.users(ctx)
		return err
	})
	return names, err
}

// SetPassword gives a user of the BMC a password, makes the user an
// administrator where there was none by that name, and logs in with it. It may
// be repeated for as long as the credential on record still opens the BMC; once
// the new one does and the old one does not, it ends with ErrBadCredentials.
func (d *Driver) SetPassword(ctx context.Context, b metal.BMC, next metal.Credential) error {
	if next.User == "" || next.Password == "" {
		return fmt.Errorf("machine %s: BMC %s: set a password: no user, or no password", b.Machine, b.Address)
	}
	err := d.warded(ctx, b, "set a password", func(ctx context.Context, w warden) error {
		return w.setPassword(ctx, next)
	})
	if err != nil {
		return err
	}
	return d.opensWith(ctx, b, next)
}

// opensWith proves a new password. BMCs take a moment to know it, and count the
// refusals until then towards a lock-out, so that there are few tries.
func (d *Driver) opensWith(ctx context.Context, b metal.BMC, next metal.Credential) error {
	const tries = 3
	for try := 1; ; try++ {
		err := d.warded(as(ctx, next), b, "log in with the new password", func(ctx context.Context, w warden) error {
			names, err := w.users(ctx)
			if err == nil && !slices.Contains(names, next.User) {
				return fmt.Errorf("user %q is not listed as one who may log in", next.User)
			}
			return err
		})
		if !errors.Is(err, metal.ErrBadCredentials) || try == tries {
			return err
		}
		if err := pause(ctx, min(d.settle()/10, 2*time.Second)); err != nil {
			return err
		}
	}
}

// RemoveUser takes a user the right to log in. It changes nothing if there is
// no such user.
func (d *Driver) RemoveUser(ctx context.Context, b metal.BMC, user string) error {
	return d.warded(ctx, b, "remove a user", func(ctx context.Context, w warden) error {
		names, err := w.users(ctx)
		if err != nil || !slices.Contains(names, user) {
			return err
		}
		return removeUser(ctx, w, user)
	})
}

// removeUser removes and reads back.
func removeUser(ctx context.Context, w warden, user string) error {
	if err := w.removeUser(ctx, user); err != nil {
		return fmt.Errorf("user %q: %w", user, err)
	}
	names, err := w.users(ctx)
	if err == nil && slices.Contains(names, user) {
		return fmt.Errorf("user %q was removed, and is still listed as one who may log in", user)
	}
	return err
}

func (d *Driver) warded(ctx context.Context, b metal.BMC, doing string, do func(context.Context, warden) error) error {
	return d.during(ctx, b, doing, func(ctx context.Context, s session) error {
		w, ok := s.(warden)
		if !ok {
			return metal.ErrUnsupported
		}
		return do(ctx, w)
	})
}
