package main

import (
	"io"

	"millwright/internal/lab"
	"millwright/internal/sitefile"
)

type siteCommand struct {
	Machines int    `default:"8" help:"How many machines, up to 48 to a rack."`
	Racks    int    `default:"2" help:"How many racks, each with a switch; more where the machines need them."`
	Net      int    `default:"64" help:"The lab lives in 127.NET.0.0/16; labs beside each other take different ones."`
	Name     string `default:"lab1" help:"The site's name."`
	Prefix   string `help:"Begins every rack, switch and machine name, where several sites share a Postgres."`
	Unproven bool   `help:"Machines come in to be commissioned; without it, idle and ready to be ordered."`
}

// Run prints the site file.
func (c siteCommand) Run(out io.Writer) error {
	site, err := lab.Generate(lab.Size{
		Name: c.Name, Prefix: c.Prefix, Machines: c.Machines, Racks: c.Racks, Net: c.Net, Unproven: c.Unproven,
	})
	if err != nil {
		return err
	}
	return sitefile.Write(out, site)
}
