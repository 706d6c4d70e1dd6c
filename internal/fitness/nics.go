package fitness

import (
	"fmt"
	"slices"
	"strings"

	"millwright/internal/inventory"
	"millwright/internal/metal"
)

// nics are compared where they are declared: whatever else is in the machine is
// nobody's business, and is plugged in nowhere.
func (c *comparison) nics() {
	for _, want := range c.NICs {
		if nic := c.nic(want.MAC); nic != nil {
			c.link(*nic, want)
			continue
		}
		if other := c.instead(want); other != nil {
			c.found.add(metal.WrongMAC, want.MAC, "declared at %s is %s, and %s is plugged in there", at(want), want.MAC, called(*other))
			continue
		}
		c.found.add(metal.MissingNIC, want.MAC, "declared is %s, which is not there: %s", want.MAC, listed(c.called()))
	}
}

func (c *comparison) nic(mac string) *inventory.NIC {
	for i := range c.is.NICs {
		if strings.EqualFold(c.is.NICs[i].MAC, mac) || strings.EqualFold(c.is.NICs[i].Permanent, mac) {
			return &c.is.NICs[i]
		}
	}
	return nil
}

// instead is a card that nobody declared, at the port of one that is not there.
func (c *comparison) instead(want metal.DeclaredNIC) *inventory.NIC {
	for i, nic := range c.is.NICs {
		declared := slices.ContainsFunc(c.NICs, func(d metal.DeclaredNIC) bool { return c.nic(d.MAC) == &c.is.NICs[i] })
		if !declared && nic.Neighbour != nil && want.Port.Switch != "" && leads(*nic.Neighbour, want).there {
			return &c.is.NICs[i]
		}
	}
	return nil
}

// link is one card's cable.
func (c *comparison) link(nic inventory.NIC, want metal.DeclaredNIC) {
	if least := c.Fitness.NICMbps; nic.Mbps > 0 && nic.Mbps < least {
		c.found.add(metal.SlowLink, want.MAC, "the plan says %d Mb/s, and %s has %d", least, called(nic), nic.Mbps)
	}
	if want.Port.Switch == "" {
		return
	}
	if !nic.Carrier {
		c.found.add(metal.NoLLDP, want.MAC, "declared at %s is %s, which has no link", at(want), called(nic))
		return
	}
	if nic.Neighbour == nil {
		c.found.add(metal.NoLLDP, want.MAC, "declared at %s is %s, which has a link and hears nobody", at(want), called(nic))
		return
	}
	switch lead := leads(*nic.Neighbour, want); {
	case lead.there:
	case lead.unclear != "":
		c.found.add(metal.NoLLDP, want.MAC, "declared at %s is %s, and %s", at(want), called(nic), lead.unclear)
	default:
		c.found.add(metal.SwappedCables, want.MAC, "declared at %s is %s, and its cable leads to %s%s", at(want), called(nic), lead.to, c.whose(lead.to))
	}
}

// whose names the machine's own card that a cable was swapped with.
func (c *comparison) whose(port metal.Port) string {
	for _, d := range c.NICs {
		if d.Port.Switch == port.Switch && physical(d) == port.Name {
			return ", where " + d.MAC + " is declared"
		}
	}
	return ""
}

// at is where a card is declared: the physical port, and the bundle of it.
func at(d metal.DeclaredNIC) string {
	text := metal.Port{Switch: d.Port.Switch, Name: physical(d)}.String()
	if d.Member != "" {
		text += " of " + d.Port.Name
	}
	return text
}

func physical(d metal.DeclaredNIC) string {
	if d.Member != "" {
		return d.Member
	}
	return d.Port.Name
}

func called(nic inventory.NIC) string { return fmt.Sprintf("%s (%s)", nic.Name, nic.MAC) }

func (c *comparison) called() (all []string) {
	for _, nic := range c.is.NICs {
		all = append(all, called(nic))
	}
	return all
}
