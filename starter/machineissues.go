package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
)

type machineIssuesCommand struct {
	Name   metal.MachineID `arg:"" optional:"" help:"The machine's name; all machines if left out."`
	Site   metal.SiteID    `env:"-" help:"Only this site's machines."`
	Closed bool            `env:"-" help:"Closed ones, too."`
	Limit  int32           `env:"-" default:"1000" help:"How many, open ones first."`
}

// issueLine is an issue with what is known of its kind.
type issueLine struct {
	ID       int64      `json:"id"`
	Machine  string     `json:"machine"`
	Kind     string     `json:"kind"`
	Part     string     `json:"part,omitempty"`
	Severity string     `json:"severity"`
	Blocks   bool       `json:"blocks"` // keeps the machine from becoming idle by itself
	Detail   string     `json:"detail"`
	Look     string     `json:"look"` // the occasion at which it was found
	Opened   time.Time  `json:"opened_at"`
	Seen     time.Time  `json:"seen_at"`
	Closed   *time.Time `json:"closed_at,omitempty"`
	By       string     `json:"closed_by,omitempty"` // whose word closed it, where no look did
	Means    string     `json:"means,omitempty"`
	Cause    string     `json:"cause,omitempty"`
	Cure     string     `json:"cure,omitempty"`
}

// mostIssues is more than one machine ever has open.
const mostIssues = 1000

func readIssues(ctx context.Context, store *postgres.Store, which query.ListIssuesParams) ([]issueLine, error) {
	rows, err := store.Queries().ListIssues(ctx, which)
	if err != nil {
		return nil, fmt.Errorf("list issues: %w", err)
	}
	lines := []issueLine{}
	for _, r := range rows {
		known := knownOf(r.Kind)
		lines = append(lines, issueLine{
			ID: r.ID, Machine: r.Machine, Kind: r.Kind, Part: harmless(r.Part), Severity: r.Severity, Blocks: r.Blocks, Detail: harmless(r.Detail),
			Look: r.Look, Opened: r.OpenedAt, Seen: r.SeenAt, Closed: r.ClosedAt, By: r.ClosedBy,
			Means: known.Means, Cause: known.Cause, Cure: known.Cure,
		})
	}
	slices.SortStableFunc(lines, func(a, b issueLine) int {
		return cmp.Or(compareBool(a.Closed != nil, b.Closed != nil), slices.Index(worstFirst, a.Severity)-slices.Index(worstFirst, b.Severity))
	})
	return lines, nil
}

var worstFirst = []string{string(metal.Failing), string(metal.Degraded), string(metal.Note)}

// compareBool puts what does not hold first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// knownOf is empty for a kind that another release knows.
func knownOf(kind string) metal.Known {
	at := slices.IndexFunc(metal.IssueKinds, func(k metal.Known) bool { return string(k.Kind) == kind })
	if at < 0 {
		return metal.Known{}
	}
	return metal.IssueKinds[at]
}

// issueSentences are issues for who looks at one machine.
func issueSentences(lines []issueLine) (all []string) {
	for _, l := range lines {
		all = append(all, l.sentence())
	}
	return all
}

func (l issueLine) sentence() string {
	text := fmt.Sprintf("%s, %s", l.Kind, l.Severity)
	if l.Part != "" {
		text += ", " + l.Part
	}
	return text + ": " + l.Detail
}

// Run prints each issue with what to do about it: whoever reads it is about to.
func (c machineIssuesCommand) Run(ctx context.Context, a *app) error {
	if c.Limit < 1 {
		return usage(fmt.Errorf("--limit %d: want 1 or more", c.Limit))
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	if c.Name != "" { // a name that nobody has would look as if all were well
		if _, _, err := (namedMachine{c.Name}).read(ctx, a); err != nil {
			return err
		}
	}
	lines, err := readIssues(ctx, store, query.ListIssuesParams{Site: string(c.Site), Machine: string(c.Name), Closed: c.Closed, Most: c.Limit})
	if err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, lines)
	}
	if len(lines) == 0 {
		_, err = fmt.Fprintln(a.out, "no issue is open")
		return err
	}
	for i, l := range lines {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		l.print(a)
	}
	return nil
}

func (l issueLine) print(a *app) {
	fmt.Fprintf(a.out, "%s  issue %d  %s\n", l.Machine, l.ID, l.sentence())
	fmt.Fprintf(a.out, "  found   %s by %s, last %s%s\n", moment(l.Opened), l.Look, moment(l.Seen), l.ended())
	if l.Means != "" {
		fmt.Fprintf(a.out, "  means   %s\n  cause   %s\n  cure    %s\n", l.Means, l.Cause, l.Cure)
	}
}

func (l issueLine) ended() string {
	switch {
	case l.Closed != nil && l.By != "":
		return fmt.Sprintf("; closed %s by %s", moment(*l.Closed), l.By)
	case l.Closed != nil:
		return "; over since " + moment(*l.Closed)
	case l.Blocks:
		return "; it keeps the machine from the pool"
	}
	return ""
}
