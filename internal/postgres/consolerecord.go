package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// What is kept of one boot's console. The beginning has the firmware and the
// kernel; the end has why it stopped. A boot that is well prints some 60 KiB.
const (
	consoleHead  = 256 << 10
	consoleTail  = 768 << 10
	consoleChunk = 16 << 10 // as the schema has it; what is kept is whole chunks
)

// OpenConsole answers where the console of a machine's present boot is written.
// Safe to repeat: another keeper goes on with the same.
func (s *Store) OpenConsole(ctx context.Context, w metal.ConsoleWatch) (int64, error) {
	id, err := s.Queries().OpenConsole(ctx, query.OpenConsoleParams{
		Machine: string(w.BMC.Machine), Epoch: w.Epoch, Boot: int64(w.Boot), Device: string(w.Device), Run: w.Run,
	})
	if err != nil {
		return 0, fmt.Errorf("machine %s: begin to record boot %d: %w", w.BMC.Machine, w.Boot, err)
	}
	return id, nil
}

// WriteConsole appends what a machine printed, and drops from the middle what
// is too much. It writes nothing, and answers false, if the console is another
// keeper's by now.
func (s *Store) WriteConsole(ctx context.Context, id int64, keeper string, body []byte) (kept bool, err error) {
	err = s.in(ctx, func(q *query.Queries) error {
		begins, err := q.GrowConsole(ctx, query.GrowConsoleParams{ID: id, Keeper: keeper, More: int64(len(body))})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		kept = true
		for part := range slices.Chunk(body, consoleChunk) {
			if err := q.AddConsoleChunk(ctx, query.AddConsoleChunkParams{Console: id, Begins: begins, Body: part}); err != nil {
				return err
			}
			begins += int64(len(part))
		}
		return q.TrimConsole(ctx, query.TrimConsoleParams{Console: id, Head: consoleHead, Tail: consoleTail})
	})
	if err != nil {
		return false, fmt.Errorf("record a console: %w", err)
	}
	return kept, nil
}

// NoteConsole says in a sentence why there is nothing to read.
func (s *Store) NoteConsole(ctx context.Context, id int64, note string) error {
	if err := s.Queries().NoteConsole(ctx, query.NoteConsoleParams{ID: id, Note: note}); err != nil {
		return fmt.Errorf("note why a console is empty: %w", err)
	}
	return nil
}
