package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Turns are the turns at BMCs, for all processes: one conversation at a time.
type Turns struct{ Store *Store }

// Take takes a BMC's turn until a moment, if nobody has it, and answers what is
// known of the BMC. Whoever has it may take it again.
func (t Turns) Take(ctx context.Context, machine metal.MachineID, holder string, until time.Time) (metal.BMCRecord, bool, error) {
	row, err := t.Store.Queries().TakeTurn(ctx, query.TakeTurnParams{Machine: string(machine), Holder: holder, Until: until})
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.BMCRecord{}, false, nil
	}
	if err != nil {
		return metal.BMCRecord{}, false, fmt.Errorf("take the turn at the BMC of %s: %w", machine, err)
	}
	return governed(row), true, nil
}

// Done gives the turn back, with what was learnt.
func (t Turns) Done(ctx context.Context, machine metal.MachineID, holder string, learnt metal.BMCRecord) error {
	_, err := t.Store.Queries().GiveTurn(ctx, query.GiveTurnParams{
		Machine: string(machine), Holder: holder, Protocol: string(learnt.Protocol), Gap: learnt.Gap,
		ProtocolAt: orNever(learnt.ProtocolAt), UsedAt: orNever(learnt.UsedAt),
		Score: float32(min(1, max(0, learnt.Score))), Failures: int32(learnt.Failures), RestsUntil: orNever(learnt.RestsUntil),
		LastError: clean(learnt.LastError), LastOk: orNever(learnt.LastOK), ResetAt: orNever(learnt.ResetAt),
	})
	if err != nil {
		return fmt.Errorf("give back the turn at the BMC of %s: %w", machine, err)
	}
	return nil
}

func orNever(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func governed(row query.BmcRecord) metal.BMCRecord {
	return metal.BMCRecord{
		Machine: metal.MachineID(row.Machine), Protocol: metal.Protocol(row.Protocol), Gap: row.Gap,
		ProtocolAt: value(row.ProtocolAt), UsedAt: value(row.UsedAt), Score: float64(row.Score),
		Failures: int(row.Failures), RestsUntil: value(row.RestsUntil), LastError: row.LastError, LastOK: value(row.LastOk), ResetAt: value(row.ResetAt),
	}
}

// BMCRecord is what the governor knows of a machine's BMC; zero where nobody
// asked it yet.
func (s *Store) BMCRecord(ctx context.Context, machine metal.MachineID) (metal.BMCRecord, error) {
	row, err := s.Queries().BMCRecord(ctx, string(machine))
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.BMCRecord{Machine: machine}, nil
	}
	return governed(row), err
}
