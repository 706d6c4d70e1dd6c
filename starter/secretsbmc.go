package main

import (
	"context"
	"errors"
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/secrets"
	"millwright/internal/vault"
)

type secretsShow struct {
	keysetFlags
	Machine metal.MachineID `arg:"" help:"The machine."`
}

// Run prints passwords, which nothing else does: whoever has the keyset and the
// database has them anyhow, and with Millwright down this is the way to a BMC.
func (c secretsShow) Run(ctx context.Context, a *app) error {
	passwords, _, err := c.passwords(ctx, a)
	if err != nil {
		return err
	}
	t := table{columns: []string{"credential", "user", "password"}}
	for _, name := range []string{metal.BMCCredential(c.Machine), metal.NextBMCCredential(c.Machine)} {
		var cred metal.Credential
		if cred, err = passwords.Get(ctx, name); err == nil {
			t.add(name, cred.User, cred.Password)
		} else if !errors.Is(err, metal.ErrNoSecret) {
			return err
		}
	}
	if len(t.rows) == 0 {
		return err // nothing is on record, or nothing that opens
	}
	return t.print(a.out, a.Output)
}

type secretsKeep struct {
	keysetFlags
	Machine    metal.MachineID `arg:"" help:"The machine."`
	Credential string          `env:"-" required:"" placeholder:"NAME" help:"Name of the file in the credentials folder that opens its BMC now."`
}

// Run records what a person did to a BMC: a reset, or another board.
func (c secretsKeep) Run(ctx context.Context, a *app) error {
	passwords, rotation, err := c.passwords(ctx, a)
	if err != nil {
		return err
	}
	cred, err := passwords.Files(ctx, c.Credential)
	if err != nil {
		return err
	}
	if err := rotation.Keep(ctx, c.Machine, cred); err != nil {
		return err
	}
	fmt.Fprintf(a.errs, "machine %s is logged in to as %s from now on, with that password, sealed; its next commission makes another\n", c.Machine, cred.User)
	return nil
}

func (k keysetFlags) passwords(ctx context.Context, a *app) (vault.Credentials, vault.Rotation, error) {
	v, err := k.open()
	if err != nil {
		return vault.Credentials{}, vault.Rotation{}, err
	}
	store, err := a.database(ctx)
	if err != nil {
		return vault.Credentials{}, vault.Rotation{}, err
	}
	return vault.Credentials{Vault: v, Rows: store, Files: secrets.Folder(k.Credentials).Get}, vault.Rotation{Vault: v, Rows: store}, nil
}
