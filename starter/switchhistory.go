package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"millwright/internal/postgres/query"
)

type switchHistoryCommand struct {
	namedSwitch `embed:""`
	Diff        bool  `env:"-" help:"With what each commit changed, in the switch's words."`
	Limit       int32 `env:"-" default:"20" help:"How many, the newest first."`
}

// commitLine is one commit.
type commitLine struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Why     string    `json:"why"` // and for whom, as the switch's own history has it
	Ports   []string  `json:"ports"`
	Refused []string  `json:"refused"` // "port: why"
	Diff    string    `json:"diff"`
}

// Run prints what the database kept; the switch's own history has its
// operators' commits, too.
func (c switchHistoryCommand) Run(ctx context.Context, a *app) error {
	q, sw, err := c.read(ctx, a)
	if err != nil {
		return err
	}
	rows, err := q.ListCommits(ctx, query.ListCommitsParams{Switch: sw.ID, Most: c.Limit})
	if err != nil {
		return fmt.Errorf("read the commits to switch %s: %w", sw.ID, err)
	}
	lines := []commitLine{}
	for _, r := range rows {
		lines = append(lines, commitLine{r.ID, r.At, r.Comment, r.Ports, r.Refused, r.Diff})
	}
	switch {
	case a.Output == "json":
		return printJSON(a.out, lines)
	case c.Diff:
		return printDiffs(a, lines)
	}
	t := &table{columns: []string{"commit", "at", "ports", "refused", "why"}}
	for _, l := range lines {
		t.add(l.ID, l.At, l.Ports, harmless(strings.Join(l.Refused, "; ")), l.Why)
	}
	return t.print(a.out, "table")
}

func printDiffs(a *app, lines []commitLine) error {
	for _, l := range lines {
		fmt.Fprintf(a.out, "commit %d at %s: %s\n", l.ID, moment(l.At), l.Why)
		for _, r := range l.Refused {
			fmt.Fprintf(a.out, "refused %s\n", harmless(r))
		}
		if _, err := fmt.Fprintln(a.out, harmless(l.Diff)); err != nil {
			return err
		}
	}
	return nil
}
