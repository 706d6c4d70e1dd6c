package postgres

import "context"

// Lanes is how many transactions serve one wish at a time.
const Lanes = lanes

// Waiting is how many asks wait at the desk for their turn.
func (s *Store) Waiting() (n int) {
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	for _, q := range s.desk.queues {
		n += len(q.waiting)
	}
	return n
}

// Exec runs a statement as a person at psql would.
func (s *Store) Exec(ctx context.Context, statement string) error {
	_, err := s.pool.Exec(ctx, statement)
	return err
}
