package vault

import (
	"context"
	"errors"
	"fmt"

	"millwright/internal/metal"
)

// RotationRows keeps what a change of a password goes through. Each change
// names the ciphertext that it means, and says false where another one stands
// there by now.
type RotationRows interface {
	SealedCredential(ctx context.Context, machine metal.MachineID) (metal.SealedCredential, error)
	PrepareCredential(ctx context.Context, machine metal.MachineID, next []byte) (prepared []byte, err error)
	PromoteCredential(ctx context.Context, machine metal.MachineID, next []byte) (bool, error)
	AbandonCredential(ctx context.Context, machine metal.MachineID, next []byte) (bool, error)
}

// Rotation changes the password of a BMC so that one that opens it is on record
// at every moment:
//
//  1. Next writes the new one down beside the old one.
//  2. The driver logs in with the old one and sets the new one.
//  3. The driver logs in with the new one, by its name in metal.NextBMCCredential.
//  4. Promote puts the new one in the old one's place.
//
// After a crash nobody knows whether 2 was done. All four are done again: Next
// gives the same password as before, and where the old one is refused in 2, the
// new one is tried, which is 3.
type Rotation struct {
	Vault *Vault
	Rows  RotationRows
}

// Next is the credential that a BMC is to have next: the one that was written
// down already, or a new one, with a password of so many characters at most
// (20 if zero). Safe to repeat.
func (r Rotation) Next(ctx context.Context, machine metal.MachineID, user string, length int) (metal.Credential, error) {
	return r.prepare(ctx, machine, metal.Credential{User: user, Password: Password(length)})
}

// prepare writes a credential down as the next one, and gives the one that
// stands there: this one, or one from before.
func (r Rotation) prepare(ctx context.Context, machine metal.MachineID, cred metal.Credential) (metal.Credential, error) {
	name := metal.BMCCredential(machine)
	sealed, err := r.Vault.Seal(cred, name)
	if err != nil {
		return metal.Credential{}, err
	}
	prepared, err := r.Rows.PrepareCredential(ctx, machine, sealed)
	if err != nil {
		return metal.Credential{}, err
	}
	return r.Vault.Unseal(prepared, name)
}

// Promote says that the BMC took what Next gave: it was logged in with. Safe to
// repeat; what is left of an earlier change promotes nothing.
func (r Rotation) Promote(ctx context.Context, machine metal.MachineID, cred metal.Credential) error {
	return r.settle(ctx, machine, cred, r.Rows.PromoteCredential, func(row metal.SealedCredential) error {
		if same, err := r.same(machine, row.Sealed, cred); err != nil || same {
			return err
		}
		return fmt.Errorf("machine %s: the password that its BMC took is neither the one on record nor the next one; another run changes it: %w", machine, metal.ErrStaleClaim)
	})
}

// Abandon forgets what Next gave, because the BMC refused it, and the old one
// still works: both have to be seen before. Safe to repeat.
func (r Rotation) Abandon(ctx context.Context, machine metal.MachineID, cred metal.Credential) error {
	return r.settle(ctx, machine, cred, r.Rows.AbandonCredential, func(metal.SealedCredential) error { return nil })
}

// Keep records the credential that a BMC has: the one it was handed in with, or
// one that a person gave it. A change under way is abandoned. Safe to repeat.
func (r Rotation) Keep(ctx context.Context, machine metal.MachineID, cred metal.Credential) error {
	for {
		stands, err := r.prepare(ctx, machine, cred)
		if err != nil {
			return err
		}
		if stands == cred {
			return r.Promote(ctx, machine, cred)
		}
		if err := r.Abandon(ctx, machine, stands); err != nil {
			return err
		}
	}
}

// settle ends a change with the next credential if it is the one that is meant,
// and otherwise asks what that means. It looks again where the row has changed
// between: it may have been sealed anew, with another key.
func (r Rotation) settle(ctx context.Context, machine metal.MachineID, cred metal.Credential,
	end func(context.Context, metal.MachineID, []byte) (bool, error), otherwise func(metal.SealedCredential) error,
) error {
	for {
		row, err := r.Rows.SealedCredential(ctx, machine)
		if errors.Is(err, metal.ErrNoSecret) {
			return otherwise(metal.SealedCredential{})
		}
		if err != nil {
			return err
		}
		same, err := r.same(machine, row.Next, cred)
		if err != nil {
			return err
		}
		if !same {
			return otherwise(row)
		}
		if done, err := end(ctx, machine, row.Next); err != nil || done {
			return err
		}
	}
}

func (r Rotation) same(machine metal.MachineID, sealed []byte, cred metal.Credential) (bool, error) {
	if sealed == nil {
		return false, nil
	}
	stands, err := r.Vault.Unseal(sealed, metal.BMCCredential(machine))
	return err == nil && stands == cred, err
}
