package postgres

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
