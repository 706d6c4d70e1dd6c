package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millwright/internal/bill"
	"millwright/internal/metal"
)

type usageCommand struct {
	Report usageReportCommand `cmd:"" default:"withargs" help:"Print what was used in a period. One that is over reads the same for ever."`
	Check  usageCheckCommand  `cmd:"" help:"Compare what is paid for with what is there. Exits 1 if something differs."`
}

type usageReportCommand struct {
	Month        string               `env:"-" help:"Such as 2026-11; the current month if left out. Months and days are those of UTC." placeholder:"MONTH"`
	From         string               `env:"-" help:"Or from a day or moment, such as 2026-11-01 or 2026-11-01T12:00:00Z." placeholder:"WHEN"`
	To           string               `env:"-" help:"To a day or moment; now if left out." placeholder:"WHEN"`
	Project      metal.ProjectID      `env:"-" help:"Only of this project."`
	Organization metal.OrganizationID `env:"-" help:"Only of this organization's projects."`
	CSV          bool                 `env:"-" name:"csv" help:"Print CSV."`
}

// Run prints a report.
func (c usageReportCommand) Run(ctx context.Context, a *app) error {
	if c.CSV && a.Output == "json" {
		return usage(errors.New("--csv and --output json contradict each other"))
	}
	since, until, err := bill.Period(c.Month, c.From, c.To, time.Now())
	if err != nil {
		return usage(err)
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	report, err := store.Usage(ctx, metal.UsageAsk{Since: since, Until: until, Project: c.Project, Organization: c.Organization})
	switch {
	case err != nil:
		return err
	case c.CSV:
		return bill.CSV(a.out, report)
	case a.Output == "json":
		return bill.JSON(a.out, report)
	}
	if !report.Final {
		fmt.Fprintf(a.errs, "starter: the period is not over: what is open goes on\n")
	}
	return usageTable(report).print(a.out, a.Output)
}

func usageTable(report metal.UsageReport) *table {
	t := &table{columns: []string{"project", "kind", "thing", "what", "from", "to", "hours", "count", "bytes", "open"}}
	for _, r := range report.Records {
		what := string(r.Plan)
		if r.Prefix.IsValid() {
			what = r.Prefix.String()
		}
		t.add(r.Project, r.Kind, r.Thing, what, r.Since, r.Until, fmt.Sprintf("%.2f", float64(r.Seconds())/3600), r.Count(), r.Octets, r.Open)
	}
	return t
}

type usageCheckCommand struct{}

// Run names each fault.
func (usageCheckCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	faults, err := store.UsageFaults(ctx)
	if err != nil {
		return err
	}
	t := &table{columns: []string{"kind", "what"}}
	for _, f := range faults {
		t.add(f.Kind, f.What)
	}
	if err := t.print(a.out, a.Output); err != nil || len(faults) == 0 {
		return err
	}
	fmt.Fprintf(a.errs, "starter: usage: %d faults; each is one of ours: keep this output and the device's history\n", len(faults))
	return errSaid
}
