package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// SealedCredential is what is on record of the password of a machine's BMC. The
// store cannot open it. No row is metal.ErrNoSecret.
func (s *Store) SealedCredential(ctx context.Context, machine metal.MachineID) (metal.SealedCredential, error) {
	row, err := s.Queries().SealedCredential(ctx, string(machine))
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.SealedCredential{}, fmt.Errorf("machine %s: no password of its BMC is on record: %w", machine, metal.ErrNoSecret)
	}
	if err != nil {
		return metal.SealedCredential{}, fmt.Errorf("machine %s: read the sealed password of its BMC: %w", machine, err)
	}
	sealed := metal.SealedCredential{Sealed: row.Sealed, Next: row.NextSealed}
	if row.RotatedAt != nil {
		sealed.RotatedAt = *row.RotatedAt
	}
	return sealed, nil
}

// SealedEnrolment is the sealed credential with which a BMC was handed in. One
// that was named instead, or is done with, is metal.ErrNoSecret.
func (s *Store) SealedEnrolment(ctx context.Context, enrolment string) ([]byte, error) {
	sealed, err := s.Queries().SealedEnrolment(ctx, enrolment)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("enrolment %s: no password is on record: %w", enrolment, metal.ErrNoSecret)
	}
	if err != nil {
		return nil, fmt.Errorf("enrolment %s: read its sealed password: %w", enrolment, err)
	}
	return sealed, nil
}

// PrepareCredential writes down the next password of a machine's BMC, unless
// one is there from an earlier attempt, and gives the one that is. Safe to
// repeat.
func (s *Store) PrepareCredential(ctx context.Context, machine metal.MachineID, next []byte) ([]byte, error) {
	prepared, err := s.Queries().PrepareCredential(ctx, query.PrepareCredentialParams{Machine: string(machine), Next: next})
	if taken(err, "23503") {
		return nil, fmt.Errorf("machine %s: %w", machine, metal.ErrUnknownMachine)
	}
	if err != nil {
		return nil, fmt.Errorf("machine %s: write down the next password of its BMC: %w", machine, err)
	}
	return prepared, nil
}

// PromoteCredential puts the next password in the place of the one before;
// false where it is not the next one. Safe to repeat.
func (s *Store) PromoteCredential(ctx context.Context, machine metal.MachineID, next []byte) (bool, error) {
	n, err := s.Queries().PromoteCredential(ctx, query.PromoteCredentialParams{Machine: string(machine), Next: next})
	if err != nil {
		return false, fmt.Errorf("machine %s: record that its BMC has the next password: %w", machine, err)
	}
	return n > 0, nil
}

// AbandonCredential forgets the next password; false where it is not the next
// one. Safe to repeat.
func (s *Store) AbandonCredential(ctx context.Context, machine metal.MachineID, next []byte) (bool, error) {
	n, err := s.Queries().AbandonCredential(ctx, query.AbandonCredentialParams{Machine: string(machine), Next: next})
	if err != nil {
		return false, fmt.Errorf("machine %s: forget the next password of its BMC: %w", machine, err)
	}
	return n > 0, nil
}

// SealedRows are all ciphertexts behind one, by name; at most so many.
func (s *Store) SealedRows(ctx context.Context, after metal.SealedRow, most int) ([]metal.SealedRow, error) {
	rows, err := s.Queries().SealedRows(ctx, query.SealedRowsParams{Name: after.Name, Next: after.Next, Most: int32(most)})
	if err != nil {
		return nil, fmt.Errorf("read what is sealed behind %q: %w", after.Name, err)
	}
	sealed := make([]metal.SealedRow, len(rows))
	for i, row := range rows {
		sealed[i] = metal.SealedRow{Name: row.Name, Next: row.Next, Sealed: row.Sealed}
	}
	return sealed, nil
}

// Reseal exchanges a ciphertext for one of the same under another key; false
// where another one stands there by now. Safe to repeat.
func (s *Store) Reseal(ctx context.Context, row metal.SealedRow, sealed []byte) (bool, error) {
	var n int64
	var err error
	_, id, _ := strings.Cut(row.Name, "/")
	switch {
	case row.Name == metal.EnrolmentCredential(id):
		n, err = s.Queries().ResealEnrolment(ctx, query.ResealEnrolmentParams{ID: id, Was: row.Sealed, Becomes: sealed})
	case row.Next:
		n, err = s.Queries().ResealNextCredential(ctx, query.ResealNextCredentialParams{Machine: id, Was: row.Sealed, Becomes: sealed})
	default:
		n, err = s.Queries().ResealCredential(ctx, query.ResealCredentialParams{Machine: id, Was: row.Sealed, Becomes: sealed})
	}
	if err != nil {
		return false, fmt.Errorf("seal %s anew: %w", row.Name, err)
	}
	return n > 0, nil
}
