package vault

import (
	"context"
	"fmt"
	"strings"

	"millwright/internal/metal"
)

// Rows gives what was sealed. Nothing on record is metal.ErrNoSecret.
type Rows interface {
	SealedCredential(ctx context.Context, machine metal.MachineID) (metal.SealedCredential, error)
	SealedEnrolment(ctx context.Context, enrolment string) ([]byte, error)
}

// Credentials finds the credential of a name: passwords that we made in rows,
// all others where they always were.
type Credentials struct {
	Vault *Vault
	Rows  Rows
	Files func(ctx context.Context, name string) (metal.Credential, error)
}

// Get has the form that drivers ask for. While a password is being changed, the
// name of the machine's credential gives the one that worked before, and that
// of the next one gives what may work already: see Rotation.
func (c Credentials) Get(ctx context.Context, name string) (metal.Credential, error) {
	kind, id, sealed := strings.Cut(name, "/")
	if !sealed {
		return c.Files(ctx, name)
	}
	machine := metal.MachineID(id)
	switch name {
	case metal.BMCCredential(machine):
		row, err := c.Rows.SealedCredential(ctx, machine)
		return c.open(row.Sealed, name, name, err)
	case metal.NextBMCCredential(machine):
		row, err := c.Rows.SealedCredential(ctx, machine)
		return c.open(row.Next, name, metal.BMCCredential(machine), err)
	case metal.EnrolmentCredential(id):
		row, err := c.Rows.SealedEnrolment(ctx, id)
		return c.open(row, name, name, err)
	}
	return metal.Credential{}, fmt.Errorf("credential %s: nothing of the kind %q is on record: %w", name, kind, metal.ErrNoSecret)
}

func (c Credentials) open(sealed []byte, name, about string, err error) (metal.Credential, error) {
	if err != nil {
		return metal.Credential{}, err
	}
	if sealed == nil {
		return metal.Credential{}, fmt.Errorf("credential %s: none is on record: %w", name, metal.ErrNoSecret)
	}
	return c.Vault.Unseal(sealed, about)
}
