package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/console"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

type consoleCommand struct {
	Machine metal.MachineID `arg:"" help:"The machine."`
	Boot    int64           `env:"-" default:"-1" help:"The boot with this number; the newest otherwise."`
	OfRun   string          `name:"run" env:"-" help:"The newest boot of this run, by its workflow ID: device/ID."`
	Follow  bool            `short:"f" env:"-" help:"Go on with what comes, and with the machine's next boot, until interrupted."`
	Raw     bool            `env:"-" help:"As the machine printed it. Without it, only text and colours reach your terminal."`
	List    bool            `env:"-" help:"List what is kept of this machine instead."`
	Limit   int32           `env:"-" default:"50" help:"How many to list, the newest first."`
}

// Run prints what a machine printed on its serial console.
func (c consoleCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	q := store.Queries()
	if _, err := q.GetMachine(ctx, string(c.Machine)); errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("machine %s: %w", c.Machine, metal.ErrUnknownMachine)
	} else if err != nil {
		return fmt.Errorf("read machine %s: %w", c.Machine, err)
	}
	if c.List {
		return c.list(ctx, a, q)
	}
	r := &consoleReader{consoleCommand: c, a: a, q: q}
	if err := r.print(ctx); err != nil || !c.Follow {
		return err
	}
	return r.follow(ctx)
}

func (c consoleCommand) list(ctx context.Context, a *app, q *query.Queries) error {
	rows, err := q.ListConsoles(ctx, query.ListConsolesParams{Machine: string(c.Machine), Most: c.Limit})
	if err != nil {
		return fmt.Errorf("list the consoles of machine %s: %w", c.Machine, err)
	}
	t := &table{columns: []string{"boot", "began_at", "last_at", "bytes", "kept", "open", "device", "run", "note"}}
	for _, r := range rows {
		t.add(r.Boot, r.BeganAt, r.LastAt, r.Bytes, r.Kept, r.Open, r.Device, r.Run, harmless(r.Note))
	}
	return t.print(a.out, a.Output)
}

// consoleReader prints one boot, and then the next.
type consoleReader struct {
	consoleCommand
	a *app
	q *query.Queries

	id    int64 // of the boot that is printed; 0 before the first
	next  int64 // the first byte that is news
	clean console.Harmless
}

// print prints what is new of the boot that was asked for.
func (r *consoleReader) print(ctx context.Context) error {
	found, err := r.q.FindConsole(ctx, query.FindConsoleParams{Machine: string(r.Machine), Boot: r.Boot, Run: r.OfRun})
	switch {
	case errors.Is(err, pgx.ErrNoRows) && r.Follow:
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("machine %s: nothing is kept of this boot or run; see starter console %s --list", r.Machine, r.Machine)
	case err != nil:
		return fmt.Errorf("read the console of machine %s: %w", r.Machine, err)
	}
	if found.ID != r.id {
		if err := r.chunks(ctx); err != nil { // the rest of the boot before
			return err
		}
		r.id, r.next, r.clean = found.ID, 0, console.Harmless{}
		r.head(found)
	}
	return r.chunks(ctx)
}

// head says what follows, beside it: the output is the machine's alone.
func (r *consoleReader) head(found query.FindConsoleRow) {
	about := []string{fmt.Sprintf("machine %s, boot %d", r.Machine, found.Boot)}
	if found.Run != "" {
		about = append(about, "run "+found.Run)
	}
	if found.Note != "" {
		about = append(about, harmless(found.Note))
	}
	fmt.Fprintf(r.a.errs, "starter: %s\n", strings.Join(about, "; "))
}

// chunkLine is a piece of a console, for programs.
type chunkLine struct {
	Console int64     `json:"console"`
	Begins  int64     `json:"begins"` // how many bytes came before
	At      time.Time `json:"at"`
	Text    string    `json:"text"`
}

func (r *consoleReader) chunks(ctx context.Context) error {
	const most = 64 // 1 MiB at most
	for r.id != 0 {
		rows, err := r.q.ConsoleChunks(ctx, query.ConsoleChunksParams{Console: r.id, Begins: r.next, Most: most})
		if err != nil {
			return fmt.Errorf("read the console of machine %s: %w", r.Machine, err)
		}
		for _, row := range rows {
			if err := r.chunk(row); err != nil {
				return err
			}
		}
		if len(rows) < most {
			return nil
		}
	}
	return nil
}

func (r *consoleReader) chunk(row query.ConsoleChunksRow) error {
	gap := row.Begins - r.next
	r.next = row.Begins + int64(len(row.Body))
	if r.a.Output == "json" {
		return printJSON(r.a.out, chunkLine{r.id, row.Begins, row.At, string(r.shown(row.Body))})
	}
	if gap > 0 {
		fmt.Fprintf(r.a.out, "\n[%d bytes were not kept]\n", gap)
	}
	_, err := r.a.out.Write(r.shown(row.Body))
	return err
}

func (r *consoleReader) shown(body []byte) []byte {
	if r.Raw {
		return body
	}
	return r.clean.Clean(body)
}

// follow looks again and again. Who interrupts it has seen enough, which is no
// failure; a Postgres that is away for a moment is waited for.
func (r *consoleReader) follow(ctx context.Context) error {
	away := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookEvery):
		}
		err := r.print(ctx)
		if err != nil && ctx.Err() == nil && !away {
			fmt.Fprintf(r.a.errs, "starter: %s; looking again\n", inWords(err))
		}
		away = err != nil
	}
}
