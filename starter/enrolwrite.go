package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// sealing hides a password for one enrolment.
type sealing func(cred metal.Credential, about string) ([]byte, error)

// seals opens the keyset, where the list has passwords.
func (c enrolCommand) seals(wishes []enrolWish) (sealing, error) {
	if !slices.ContainsFunc(wishes, func(w enrolWish) bool { return w.first.Password != "" }) {
		return nil, nil
	}
	v, err := c.open()
	if err != nil {
		return nil, err
	}
	return v.Seal, nil
}

// enrolAll writes each line that is new, and starts its run. A Temporal that is
// away is no failure: the row stands, and reconcile starts what was not started.
func (a *app) enrolAll(ctx context.Context, store *postgres.Store, wishes []enrolWish, seal sealing) error {
	runs, away := a.runs(ctx)
	for i := range wishes {
		w := &wishes[i]
		if w.stands == came {
			continue
		}
		if w.stands == "" {
			if err := w.write(ctx, store, seal); err != nil {
				return fmt.Errorf("%s: %w; the lines before it are enrolled: correct the list and give the command again", w.at, err)
			}
		}
		if away == nil {
			_, away = ask(ctx, func(ctx context.Context) (temporal.Execution, error) {
				return runs.StartEnrol(ctx, workflows.EnrolInput{Enrolment: w.ID, Site: w.Site})
			})
		}
		if errors.Is(away, temporal.ErrOpen) {
			away = nil
		}
	}
	if away != nil {
		fmt.Fprintf(a.errs, "starter: %s; what is enrolled stands: reconcile starts it\n", inWords(away))
	}
	return nil
}

// write seals and stores one line. The password is under the enrolment's name:
// for another one it opens nothing.
func (w *enrolWish) write(ctx context.Context, store *postgres.Store, seal sealing) error {
	w.ID = uuid.NewString()
	if w.first.Password != "" {
		var err error
		if w.Sealed, err = seal(w.first, metal.EnrolmentCredential(w.ID)); err != nil {
			return err
		}
	}
	return store.WantEnrolment(ctx, w.Enrolment)
}
