package main

import (
	"fmt"
	"io"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/rig"
)

// roundsShown is how many rounds of each tenant are printed; how many are
// played is a matter of speed.
const roundsShown = 3

// show prints what a seed is.
func show(out io.Writer, seed uint64, p plan) error {
	site, err := lab.Generate(lab.Size{Name: string(rig.Site), Machines: p.machines, Racks: racks(p.machines), Net: 1})
	if err != nil {
		return err
	}
	var switches []metal.SwitchID
	for _, s := range site.Switches {
		switches = append(switches, s.ID)
	}
	fmt.Fprintf(out, "seed %d: %d machines, a storm of %s\n", seed, p.machines, p.storm)
	for _, d := range drawStorm(seed, p.storm, sortsOf(switches, p.disk)) {
		fmt.Fprintln(out, " ", d)
	}
	for tenant := range tenants(p.machines) {
		next := rounds(seed, tenant)
		for range roundsShown {
			fmt.Fprintf(out, "  tenant %d, %s\n", tenant, next())
		}
	}
	return nil
}

// racks have forty machines: each has a switch, and what is done to it concerns
// them all.
func racks(machines int) int { return max(2, machines/40) }

// tenants are few enough that nobody waits for a machine: some break down in a
// storm and stay in quarantine.
func tenants(machines int) int { return max(2, machines/5) }
