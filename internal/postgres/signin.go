package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// BeginSignIn remembers somebody who was sent to the provider.
func (s *Store) BeginSignIn(ctx context.Context, in metal.SignIn, lifetime time.Duration) error {
	err := s.Queries().InsertSignIn(ctx, query.InsertSignInParams{
		State: in.State, Browser: in.Browser, Loopback: in.Loopback, Challenge: in.Challenge, Lifetime: lifetime,
	})
	if err != nil {
		return fmt.Errorf("begin a sign-in: %w", err)
	}
	return nil
}

// TakeSignIn finds who was sent away with a state, once; metal.ErrNotFound for
// nobody, or for one who took too long.
func (s *Store) TakeSignIn(ctx context.Context, state []byte) (metal.SignIn, error) {
	row, err := s.Queries().TakeSignIn(ctx, state)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !row.Fresh {
		err = metal.ErrNotFound
	}
	if err != nil {
		return metal.SignIn{}, fmt.Errorf("sign-in under way: %w", err)
	}
	return metal.SignIn{State: state, Browser: row.Browser, Loopback: row.Loopback, Challenge: row.Challenge}, nil
}

// KeepCode remembers what the command line will change for a key.
func (s *Store) KeepCode(ctx context.Context, c metal.SignInCode, lifetime time.Duration) error {
	err := s.Queries().InsertSignInCode(ctx, query.InsertSignInCodeParams{
		Code: c.Code, Challenge: c.Challenge, Member: string(c.User), Lifetime: lifetime,
	})
	if err != nil {
		return fmt.Errorf("keep the code of a sign-in: %w", err)
	}
	return nil
}

// TakeCode finds whose a code is, once, whatever comes of it; metal.ErrNotFound
// for nobody's.
func (s *Store) TakeCode(ctx context.Context, code []byte) (metal.SignInCode, error) {
	row, err := s.Queries().TakeSignInCode(ctx, code)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !row.Fresh {
		err = metal.ErrNotFound
	}
	if err != nil {
		return metal.SignInCode{}, fmt.Errorf("code of a sign-in: %w", err)
	}
	return metal.SignInCode{Code: code, Challenge: row.Challenge, User: metal.UserID(row.User)}, nil
}

// Identify says which user somebody is whom a provider vouches for: whoever
// signed in as the same subject before; else the user with the address, if
// nobody has signed in as that one; else a new one. Safe to repeat.
func (s *Store) Identify(ctx context.Context, who metal.Identity) (metal.User, error) {
	var user metal.User
	err := s.retried(ctx, func(q *query.Queries) (err error) {
		if err = q.LockAddress(ctx, who.Email); err != nil {
			return err
		}
		user, err = identify(ctx, q, who)
		return err
	})
	if err != nil {
		return metal.User{}, fmt.Errorf("user with the address %s: %w", who.Email, err)
	}
	return user, nil
}

func identify(ctx context.Context, q *query.Queries, who metal.Identity) (metal.User, error) {
	known, err := q.UserBySubject(ctx, query.UserBySubjectParams{Issuer: who.Issuer, Subject: who.Subject})
	if err == nil {
		return unlessDisabled(metal.User{ID: metal.UserID(known.ID), Email: known.Email, Name: known.Name, Operator: known.Operator}, known.Disabled)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return metal.User{}, err
	}
	found, err := q.UserByEmail(ctx, who.Email)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		id := uuid.NewString()
		return metal.User{ID: metal.UserID(id), Email: who.Email, Name: who.Name}, q.InsertSignedUser(ctx, query.InsertSignedUserParams{
			ID: id, Email: who.Email, Name: who.Name, Issuer: who.Issuer, Subject: who.Subject,
		})
	case err != nil:
		return metal.User{}, err
	case found.Bound:
		return metal.User{}, metal.ErrTaken
	}
	user, err := unlessDisabled(metal.User{ID: metal.UserID(found.ID), Email: found.Email, Name: found.Name, Operator: found.Operator}, found.Disabled)
	if err != nil {
		return user, err
	}
	return user, q.BindUser(ctx, query.BindUserParams{ID: found.ID, Issuer: who.Issuer, Subject: who.Subject, Name: who.Name})
}

func unlessDisabled(u metal.User, disabled bool) (metal.User, error) {
	if disabled {
		return metal.User{}, metal.ErrDisabled
	}
	return u, nil
}

// OpenSession makes a key that ends by itself, and says when it does.
func (s *Store) OpenSession(ctx context.Context, c metal.Request, key metal.Session) (ends time.Time, err error) {
	err = s.change(ctx, c, func(q *query.Queries) (string, error) {
		expires, err := q.InsertSession(ctx, query.InsertSessionParams{
			ID: string(key.Key), Member: string(key.User), Hash: key.Hash, Lifetime: key.Lifetime, Description: "signed in from " + c.Source,
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return "", metal.ErrDisabled
		}
		ends = moment(expires)
		return "/user/api-keys/" + string(key.Key), err
	})
	if err != nil {
		return ends, fmt.Errorf("session of user %s: %w", key.User, err)
	}
	return ends, nil
}

// EndSession revokes a key that a sign-in made; metal.ErrNotFound for any other.
func (s *Store) EndSession(ctx context.Context, c metal.Request, hash []byte) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		n, err := q.EndSession(ctx, hash)
		if err == nil && n == 0 {
			err = fmt.Errorf("session: %w", metal.ErrNotFound)
		}
		return "", err
	})
}

// ForgetSignIns drops what nobody came back for. Safe to repeat.
func (s *Store) ForgetSignIns(ctx context.Context) error {
	return s.Queries().ForgetSignIns(ctx)
}
