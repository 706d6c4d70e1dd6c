package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"millwright/internal/ipam"
	"millwright/internal/metal"
)

type ipUseCommand struct {
	By  ipam.By `env:"-" default:"block" enum:"aggregate,block,role,site,project" help:"aggregate, block, role, site or project."`
	CSV bool    `env:"-" name:"csv" help:"Print CSV."`
}

// Run prints how full things are.
func (c ipUseCommand) Run(ctx context.Context, a *app) error {
	if c.CSV && a.Output == "json" {
		return usage(errors.New("--csv and --output json contradict each other"))
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	uses, err := store.Use(ctx, c.By)
	if err != nil {
		return err
	}
	switch {
	case c.CSV:
		return ipam.UseCSV(a.out, c.By, uses)
	case a.Output == "json":
		return ipam.UseJSON(a.out, c.By, uses)
	}
	return ipam.UseTable(a.out, c.By, uses)
}

type ipMapCommand struct {
	Prefix prefixArg `arg:"" help:"A block, an aggregate, or any other prefix."`
	SVG    string    `env:"-" name:"svg" type:"path" help:"Draw into this file, for browsers and pages, instead." placeholder:"FILE"`
	Width  int       `env:"-" help:"Columns to draw in; the terminal's own if left out."`
}

// Run draws a map.
func (c ipMapCommand) Run(ctx context.Context, a *app) error {
	if a.Output == "json" {
		return usage(errors.New("a map is a picture; for programs: starter ip export, or starter ip use -o json"))
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	shot, err := store.Snapshot(ctx, c.Prefix.Prefix)
	if err != nil {
		return err
	}
	picture := ipam.NewPicture(c.Prefix.Prefix, shot)
	picture.Title = titleOf(c.Prefix, shot)
	if c.SVG == "" {
		width, colour := terminal(a.out)
		if c.Width > 0 {
			width = c.Width
		}
		return picture.Text(a.out, ipam.Terminal{Width: width, Colour: colour})
	}
	var drawn bytes.Buffer
	if err := picture.SVG(&drawn); err != nil {
		return err
	}
	return os.WriteFile(c.SVG, drawn.Bytes(), 0o644)
}

// titleOf says what a block is for.
func titleOf(p prefixArg, shot ipam.Snapshot) string {
	for _, b := range shot.Blocks {
		if b.Prefix != p.Prefix {
			continue
		}
		title := string(b.Role)
		for _, word := range []string{string(b.Site), string(b.Project)} {
			if word != "" {
				title += ", " + word
			}
		}
		return title
	}
	return ""
}

// terminal tells how wide a person's terminal is, and whether there is one at
// all: what is piped or written to a file has no colours.
func terminal(out io.Writer) (width int, colour bool) {
	file, ok := out.(*os.File)
	if !ok {
		return 0, false
	}
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(size.Col), os.Getenv("NO_COLOR") == "" // no-color.org
}

type ipReportCommand struct {
	Registry     string                  `env:"-" help:"Only of its aggregates: ripe, arin, …; of all if left out."`
	Form         string                  `env:"-" default:"csv" enum:"csv,ripe,arin" help:"csv; ripe: objects of its database; arin: use and reassignments, as its analysts ask."`
	Organisation string                  `env:"-" help:"RIPE's org, such as ORG-EX1-RIPE."`
	Admin        string                  `env:"-" help:"RIPE's admin-c: a role's handle."`
	Tech         string                  `env:"-" help:"RIPE's tech-c: a role's handle."`
	Maintainer   string                  `env:"-" help:"RIPE's mnt-by."`
	Country      map[metal.SiteID]string `env:"-" help:"Where each site stands, in ISO 3166; = without a site is for anycast." placeholder:"SITE=CC"`
}

// Run writes what a registry asks to be told.
func (c ipReportCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	shot, err := store.Snapshot(ctx, everything)
	if err != nil {
		return err
	}
	switch c.Form {
	case "arin":
		return ipam.ARIN(a.out, shot, c.Registry)
	case "ripe":
		return ipam.RIPE(a.out, ipam.Given(shot, c.Registry), ipam.Registrant{Organisation: c.Organisation, Admin: c.Admin,
			Tech: c.Tech, Maintainer: c.Maintainer, Country: c.Country})
	}
	return ipam.GivenCSV(a.out, ipam.Given(shot, c.Registry))
}
