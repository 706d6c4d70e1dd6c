package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/secrets"
	"millwright/internal/sitefile"
)

type importCommand struct {
	File        string         `arg:"" type:"existingfile" help:"The site file."`
	Credentials secrets.Folder `required:"" type:"path" help:"Folder with one file per credential, as the worker reads it: every name in the site file must be there."`
}

// Run prints what an import did to each thing, or every reason not to.
func (c importCommand) Run(ctx context.Context, a *app) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	names, err := c.Credentials.Names()
	if err != nil {
		return err
	}
	if err := c.Credentials.Warn(a.log); err != nil {
		return err
	}
	site, err := sitefile.Parse(text, c.File, names)
	var problems sitefile.Problems
	if errors.As(err, &problems) {
		fmt.Fprintln(a.errs, problems)
		fmt.Fprintf(a.errs, "starter: problems in %s: %d; nothing was imported\n", c.File, len(problems))
		return errSaid
	}
	if err != nil {
		return err
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	changes, err := store.ImportSite(ctx, site)
	var refused postgres.Refusals
	if errors.As(err, &refused) {
		fmt.Fprintln(a.errs, refused)
		fmt.Fprintf(a.errs, "starter: reasons not to import site %s: %d; nothing was imported\n", site.ID, len(refused))
		return errSaid
	}
	if err != nil {
		return err
	}
	return a.printChanges(site.ID, changes)
}

// printChanges names what changed or vanished, and counts the rest: a site has
// hundreds of machines, and most imports touch two.
func (a *app) printChanges(site metal.SiteID, changes []postgres.Change) error {
	if a.Output == "json" {
		return printJSON(a.out, changes)
	}
	for _, c := range changes {
		if c.What == postgres.Changed || c.What == postgres.Vanished {
			fmt.Fprintf(a.out, "%s: %s %s: %s\n", c.What, c.Kind, c.Name, c.Detail)
		}
	}
	counts := table{columns: []string{"kind", postgres.Added, postgres.Changed, postgres.Unchanged, postgres.Vanished}}
	for _, kind := range []string{"site", "aggregate", "block", "plan", "operating system", "rack", "switch", "machine", "port"} {
		n := map[string]int{}
		for _, c := range changes {
			if c.Kind == kind {
				n[c.What]++
			}
		}
		counts.add(kind, n[postgres.Added], n[postgres.Changed], n[postgres.Unchanged], n[postgres.Vanished])
	}
	if err := counts.print(a.out, "table"); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "site %s is imported\n", site)
	return err
}
