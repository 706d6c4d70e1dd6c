package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

type restoredCommand struct {
	Note   restoredNoteCommand   `cmd:"" default:"withargs" help:"Note that the database was restored, before any worker, boot or serve is started. Nothing is touched that was not compared with the world since. A repeat begins anew."`
	Report restoredReportCommand `cmd:"" help:"What was found to differ from the restored records, and what a person does about it. Exits 1 while something is in doubt."`
}

type restoredNoteCommand struct {
	Since time.Time `env:"-" placeholder:"2026-11-23T06:00:00Z" help:"The moment that the records are of; of their newest sentence if left out."`
}

// Run puts everything in doubt.
func (c restoredNoteCommand) Run(ctx context.Context, a *app) error {
	if c.Since.After(time.Now()) {
		return usage(fmt.Errorf("--since %s: that is still to come", c.Since.Format(time.RFC3339)))
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	r, err := store.NoteRestore(ctx, c.Since, person())
	if err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, r)
	}
	_, err = fmt.Fprintf(a.out, `The records are of %s. In doubt, and touched by nobody: %d machines, %d switches.
Start Temporal, workers, boot and starter serve now: a survey looks at every switch and every BMC.
What agrees goes on by itself; what does not: starter restored report
`, r.Since.UTC().Format(time.RFC3339), r.Machines, r.Switches)
	return err
}

// person is who runs this command, as far as the machine knows.
func person() string {
	name := os.Getenv("SUDO_USER")
	if u, err := user.Current(); err == nil && name == "" {
		name = u.Username
	}
	if name == "" {
		return "somebody"
	}
	return name
}

type restoredReportCommand struct{}

// restoredAnswer is the report as programs read it.
type restoredAnswer struct {
	metal.Restored
	Called []metal.Called          `json:"called"`   // differs, and is for a person to see
	GoesOn []metal.Called          `json:"goes_on"`  // runs that were open at the backup, and go on
	Doubt  []postgres.StillDoubted `json:"in_doubt"` // not told yet
}

// Run prints the report of the last restore.
func (restoredReportCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	answer, err := readRestored(ctx, store)
	if err != nil {
		return err
	}
	if answer.ID == 0 && a.Output != "json" {
		return a.said("no restore was noted")
	}
	if a.Output == "json" {
		err = printJSON(a.out, answer)
	} else {
		err = answer.print(a)
	}
	if err == nil && len(answer.Doubt) > 0 {
		return errSaid
	}
	return err
}

func readRestored(ctx context.Context, store *postgres.Store) (answer restoredAnswer, err error) {
	answer.Called, answer.GoesOn, answer.Doubt = []metal.Called{}, []metal.Called{}, []postgres.StillDoubted{}
	if answer.Restored, err = store.Restored(ctx); err != nil || answer.ID == 0 {
		return answer, err
	}
	all, err := store.SurveyCalls(ctx, answer.ID)
	if err != nil {
		return answer, err
	}
	for _, c := range all {
		if c.Kind == metal.GoesOn {
			answer.GoesOn = append(answer.GoesOn, c)
		} else {
			answer.Called = append(answer.Called, c)
		}
	}
	answer.Doubt, err = store.StillDoubted(ctx)
	return answer, err
}

func (r restoredAnswer) print(a *app) error {
	state := "over since " + r.Over.UTC().Format(time.RFC3339)
	if r.Over.IsZero() {
		state = fmt.Sprintf("in doubt: %d machines, %d switches", r.Machines, r.Switches)
	}
	fmt.Fprintf(a.out, "Records of %s, noted %s by %s; %s.\n", r.Since.UTC().Format(time.RFC3339), r.NotedAt.UTC().Format(time.RFC3339), r.By, state)
	if len(r.Called)+len(r.GoesOn) > 0 {
		t := table{columns: []string{"what", "thing", "port", "evidence", "next"}}
		for _, c := range append(r.Called, r.GoesOn...) {
			t.add(string(c.Kind), thing(c), c.Port, c.Evidence, c.Next)
		}
		if err := t.print(a.out, a.Output); err != nil {
			return err
		}
	}
	for _, d := range r.Doubt {
		fmt.Fprintf(a.out, "still in doubt: %s at %s: %s\n", strings.TrimSpace(string(d.Machine)+" "+string(d.Switch)), d.Site, d.Why)
	}
	_, err := fmt.Fprintf(a.out, "Usage from %s to %s was measured in records that are gone: for that time what was billed stands, and is not billed again.\n",
		r.Since.UTC().Format(time.RFC3339), r.NotedAt.UTC().Format(time.RFC3339))
	return err
}

// thing is what a line of the report is about.
func thing(c metal.Called) string {
	switch {
	case c.Prefix.IsValid():
		return c.Prefix.String()
	case c.Machine != "" && c.Device != "":
		return string(c.Machine) + " " + string(c.Device)
	case c.Machine != "":
		return string(c.Machine)
	}
	return string(c.Device)
}
