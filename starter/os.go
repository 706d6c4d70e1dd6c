package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"millwright/internal/catalogue"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

type osCommand struct {
	List   osListCommand   `cmd:"" help:"List the systems that can be offered, those that are, and what was proven of each."`
	Show   osShowCommand   `cmd:"" help:"Show all that is known of a system: where its images come from, how it first boots, what nobody has checked."`
	Verify osVerifyCommand `cmd:"" help:"Install a system on a free machine, wait until it phones home, write that down, and give the machine back."`
}

type osListCommand struct{}

// offered are the systems of the catalogue and those of the database, by ID.
// Without a database it is the catalogue alone.
func (a *app) offered(ctx context.Context) (map[string]catalogue.System, map[string]query.AllOperatingSystemsRow, error) {
	all, err := catalogue.All()
	if err != nil {
		return nil, nil, err
	}
	known, here := map[string]catalogue.System{}, map[string]query.AllOperatingSystemsRow{}
	for _, s := range all {
		known[string(s.ID)] = s
	}
	if a.Postgres == "" {
		return known, here, nil
	}
	store, err := a.database(ctx)
	if err != nil {
		return nil, nil, err
	}
	rows, err := store.Queries().AllOperatingSystems(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list operating systems: %w", err)
	}
	for _, row := range rows {
		here[row.ID] = row
	}
	return known, here, nil
}

// Run prints one line a system.
func (osListCommand) Run(ctx context.Context, a *app) error {
	known, here, err := a.offered(ctx)
	if err != nil {
		return err
	}
	ids := []string{}
	for id := range known {
		ids = append(ids, id)
	}
	for id := range here {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	t := &table{columns: []string{"os", "name", "arch", "first_boot", "user", "plans", "proof"}}
	for _, id := range slices.Compact(ids) {
		s, row := known[id], here[id]
		t.add(id, cmp.Or(row.Name, s.Name), architectures(s, row), cmp.Or(row.FirstBoot, string(s.FirstBoot)),
			s.User, row.Plans, proofOf(s, row))
	}
	return t.print(a.out, a.Output)
}

// architectures are those with an image: here, or else at the vendor.
func architectures(s catalogue.System, row query.AllOperatingSystemsRow) string {
	if row.Arch != "" {
		return row.Arch
	}
	var all []string
	for _, i := range s.Images {
		all = append(all, i.Arch)
	}
	return strings.Join(all, " ")
}

// proofOf says what was seen: here, or else before the release.
func proofOf(s catalogue.System, row query.AllOperatingSystemsRow) string {
	switch {
	case row.ProvenAt != nil:
		return fmt.Sprintf("%s %s: %s", catalogue.Booted, row.ProvenAt.UTC().Format("2006-01-02"), row.Proven)
	case s.Proven.State != "":
		return fmt.Sprintf("%s %s: %s", s.Proven.State, s.Proven.Date, s.Proven.By)
	}
	return "none; see starter os verify " + row.ID
}

type osShowCommand struct {
	System metal.OperatingSystemID `arg:"" help:"The system's slug, as in debian_12."`
}

// Run prints a line a fact.
func (c osShowCommand) Run(ctx context.Context, a *app) error {
	known, here, err := a.offered(ctx)
	if err != nil {
		return err
	}
	s, inCatalogue := known[string(c.System)]
	row, offered := here[string(c.System)]
	if !inCatalogue && !offered {
		return fmt.Errorf("operating system %s is neither in the catalogue nor in a site's file; see starter os list", c.System)
	}
	t := &table{columns: []string{"fact", "value"}}
	t.add("os", c.System)
	t.add("name", cmp.Or(row.Name, s.Name))
	t.add("first_boot", cmp.Or(row.FirstBoot, string(s.FirstBoot)))
	t.add("proof", proofOf(s, row))
	if offered {
		t.add("plans", row.Plans)
		t.add("image_here", fmt.Sprintf("%s, %s", row.Arch, deref(row.Image, "none: it boots a script")))
	}
	if inCatalogue {
		addCatalogued(t, s)
	}
	return t.print(a.out, a.Output)
}

func addCatalogued(t *table, s catalogue.System) {
	login := "with the device's keys, " + s.User
	if s.Root {
		login += " and root"
	}
	if s.User != "" {
		t.add("login", login)
	}
	t.add("network", s.Network)
	t.add("phone_home", s.PhoneHome)
	t.add("kernel", s.Kernel)
	t.add("console", s.Console)
	t.add("boot_modes", s.BootModes)
	for _, i := range s.Images {
		t.add("image_"+i.Arch, cmp.Or(i.URL, "as "+i.Checksums.URL+" says")+" ("+i.Format+")")
		t.add("checksums_"+i.Arch, fmt.Sprintf("%s (%s)", i.Checksums.URL, i.Checksums.Form))
	}
	t.add("unverified", s.Unverified)
	for _, note := range s.Notes {
		t.add("note", note)
	}
}

func deref(s *string, otherwise string) string {
	if s == nil {
		return otherwise
	}
	return *s
}
