package postgres

import (
	"context"
	"time"

	"millwright/internal/postgres/query"
)

// CountSpares counts what the next orders could have, and who of it waits in
// the agent, by plan and site.
func (s *Store) CountSpares(ctx context.Context) ([]query.CountSparesRow, error) {
	return s.Queries().CountSpares(ctx, waitingFor)
}

// readingGood is for how long a reading says how a machine is: a few rounds of
// a patrol. What is older says how it was.
const readingGood = time.Hour

// MachineWatts is what each machine draws, where its BMC said so of late.
func (s *Store) MachineWatts(ctx context.Context) ([]query.MachineWattsRow, error) {
	return s.Queries().MachineWatts(ctx, readingGood)
}

// MachineSensors are temperatures and fans as they were read of late. Without
// everything they are fans that stand, and temperatures within so many degrees
// of their critical limit.
func (s *Store) MachineSensors(ctx context.Context, everything bool, within float64) ([]query.MachineSensorsRow, error) {
	return s.Queries().MachineSensors(ctx, query.MachineSensorsParams{Everything: everything, Near: within, GoodFor: readingGood})
}
