package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"millwright/internal/ipam"
	"millwright/internal/metal"
)

// everything is no prefix: a snapshot of all there is.
var everything netip.Prefix

type ipImportCommand struct {
	Files  []string              `arg:"" type:"existingfile" help:"Our CSV, NetBox's CSV exports, or NetBox's REST lists (JSON): aggregates, prefixes, IP addresses."`
	DryRun bool                  `env:"-" help:"Only show what would be added, and every conflict."`
	Role   map[string]metal.Role `env:"-" help:"What a role of NetBox is here, by its slug." placeholder:"SLUG=ROLE"`
	AtSite metal.SiteID          `env:"-" help:"The site of prefixes that have none in NetBox." placeholder:"SITE"`
	AsRole metal.Role            `env:"-" help:"The role of prefixes that have none in NetBox." placeholder:"ROLE"`
}

// Run adds what is missing, all of it or nothing.
func (c ipImportCommand) Run(ctx context.Context, a *app) error {
	plan, err := c.read()
	if err != nil {
		return printProblems(a, err)
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	added, err := store.ImportSpace(ctx, plan, c.DryRun)
	if err != nil {
		return printProblems(a, err)
	}
	return a.printAdded(added, c.DryRun)
}

// read reads all files, and reports the problems of all at once.
func (c ipImportCommand) read() (ipam.Plan, error) {
	var plans []ipam.Plan
	var problems ipam.Problems
	for _, name := range c.Files {
		file, err := os.Open(name)
		if err != nil {
			return ipam.Plan{}, err
		}
		plan, err := ipam.Read(file, filepath.Base(name), ipam.NetBox{Roles: c.Role, Site: c.AtSite, Role: c.AsRole})
		file.Close()
		if bad, ok := err.(ipam.Problems); ok {
			problems = append(problems, bad...)
		} else if err != nil {
			return ipam.Plan{}, err
		}
		plans = append(plans, plan)
	}
	if len(problems) > 0 {
		return ipam.Plan{}, problems
	}
	return ipam.Join(plans...), nil
}

// addedThing is one thing that an import adds.
type addedThing struct {
	kind, what string
	prefix     netip.Prefix
	at         ipam.Source
}

func addedThings(p ipam.Plan) (all []addedThing) {
	for _, w := range p.Aggregates {
		all = append(all, addedThing{"aggregate", w.Thing.Registry, w.Thing.Prefix, w.At})
	}
	for _, w := range p.Blocks {
		all = append(all, addedThing{"block", joined([]string{string(w.Thing.Role), string(w.Thing.Site), string(w.Thing.Project)}), w.Thing.Prefix, w.At})
	}
	for _, w := range p.Leases {
		kind := "lease"
		if w.Thing.State == metal.Resting {
			kind = "quarantine"
		}
		all = append(all, addedThing{kind, string(w.Thing.Holder), w.Thing.Prefix, w.At})
	}
	return all
}

// printAdded lists what a dry run would add, and counts what an import has.
func (a *app) printAdded(p ipam.Plan, dry bool) error {
	things := addedThings(p)
	t := &table{columns: []string{"added", "prefix", "what", "file", "line"}}
	counts := map[string]int{}
	for _, x := range things {
		counts[x.kind]++
		t.add(x.kind, x.prefix.String(), x.what, x.at.File, x.at.Line)
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"dry_run": dry, "added": t.objects(), "left_out": len(p.LeftOut)})
	}
	for _, left := range p.LeftOut {
		fmt.Fprintf(a.errs, "left out: %s\n", left)
	}
	if dry && len(things) > 0 {
		if err := t.print(a.out, "table"); err != nil {
			return err
		}
	}
	end := "imported"
	if dry {
		end = "would be imported; nothing was changed"
	}
	_, err := fmt.Fprintf(a.out, "aggregates %d, blocks %d, leases %d, quarantines %d: %s\n",
		counts["aggregate"], counts["block"], counts["lease"], counts["quarantine"], end)
	return err
}

type ipExportCommand struct {
	Within prefixArg `arg:"" optional:"" help:"Only what lies in this prefix."`
	Form   string    `env:"-" default:"csv" enum:"csv,netbox-csv,netbox-json" help:"csv: our own, which starter ip import reads back; netbox-csv, netbox-json: one of NetBox's lists, for its bulk import."`
	List   string    `env:"-" default:"prefixes" enum:"aggregates,prefixes,ip-addresses" help:"Which of NetBox's lists; import them there in this order."`
	Scoped bool      `env:"-" help:"For NetBox 4.2 and later, where a prefix has a scope and no site."`
}

// Run writes address space to standard output.
func (c ipExportCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	shot, err := store.Snapshot(ctx, c.Within.Prefix)
	if err != nil {
		return err
	}
	netbox := ipam.NetBoxExport{List: c.List, Scoped: c.Scoped}
	switch c.Form {
	case "netbox-csv":
		return netbox.CSV(a.out, shot)
	case "netbox-json":
		return netbox.JSON(a.out, shot)
	}
	return ipam.ExportCSV(a.out, shot)
}
