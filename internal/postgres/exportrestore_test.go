package postgres

import "context"

// Row reads one value as a person at psql would.
func (s *Store) Row(ctx context.Context, question string, into any) error {
	return s.pool.QueryRow(ctx, question).Scan(into)
}
