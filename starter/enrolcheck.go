package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/sitefile"
)

// enrolWish is a line that was understood.
type enrolWish struct {
	metal.Enrolment
	at     string
	first  metal.Credential // the BMC's first user and password, where the list has them
	stands string           // empty: it is new; else how far an earlier enrolment of it has come
}

// enrolCheck holds a list against itself and against what there is.
type enrolCheck struct {
	site       metal.SiteID
	credential string // of lines without a password
	known      siteThings
	open       []query.Enrolment
	taken      map[string]string   // by kind and value: who has it
	bmcs       map[string][]bmcEnd // by host
	wrong      mistakes
}

// bmcEnd is one BMC at a host: laboratories have several behind one.
type bmcEnd struct{ port, who string }

// siteThings are what lines refer to.
type siteThings struct {
	racks    []string
	plans    []query.Plan
	switches []query.Switch
	machines []query.Machine
}

func newEnrolCheck(ctx context.Context, q *query.Queries, site metal.SiteID) (*enrolCheck, error) {
	c := &enrolCheck{site: site, taken: map[string]string{}, bmcs: map[string][]bmcEnd{}}
	var nics []query.AllNICsRow
	for _, read := range []func() error{
		func() (err error) { c.known.racks, err = q.RacksOf(ctx, string(site)); return err },
		func() (err error) { c.known.plans, err = q.AllPlans(ctx); return err },
		func() (err error) { c.known.switches, err = q.AllSwitches(ctx); return err },
		func() (err error) { c.known.machines, err = q.AllMachines(ctx); return err },
		func() (err error) { nics, err = q.AllNICs(ctx); return err },
		func() (err error) {
			c.open, err = q.ListEnrolments(ctx, query.ListEnrolmentsParams{Most: 1 << 20})
			return err
		},
	} {
		if err := read(); err != nil {
			return nil, fmt.Errorf("site %s: read what there is: %w", site, err)
		}
	}
	c.open = slices.DeleteFunc(c.open, func(e query.Enrolment) bool { return e.DoneAt != nil })
	c.take(nics)
	return c, nil
}

// take notes who has what already.
func (c *enrolCheck) take(nics []query.AllNICsRow) {
	for _, m := range c.known.machines {
		who := "machine " + m.ID
		c.taken["name "+m.ID] = who
		if metal.MachineState(m.State) != metal.Retired && metal.SiteID(m.Site) == c.site {
			c.taken[unitKey(m.Rack, int(m.Unit))] = who
		}
		if at, err := bmcAddress(m.BmcAddress); err == nil {
			c.bmcs[at.host] = append(c.bmcs[at.host], bmcEnd{at.port, who})
		}
	}
	for _, n := range nics {
		c.taken["MAC "+n.Mac] = "machine " + n.Machine
		c.taken["port "+n.Switch+":"+n.Port] = "machine " + n.Machine
		if n.Member != "" {
			c.taken["port "+n.Switch+":"+n.Member] = "machine " + n.Machine
		}
	}
	for _, e := range c.open {
		who := "machine " + e.Machine + ", which is being enrolled"
		c.taken["name "+e.Machine] = who
		if at, err := bmcAddress(e.Address); err == nil {
			c.bmcs[at.host] = append(c.bmcs[at.host], bmcEnd{at.port, who})
		}
	}
}

func unitKey(rack string, unit int) string { return fmt.Sprintf("unit %d of rack %s", unit, rack) }

// hostPort is where a BMC is; the port is empty where it is the usual one.
type hostPort struct{ host, port string }

// bmcAddress takes an address or a host name, with or without a port.
func bmcAddress(text string) (hostPort, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), ""
	} else if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return hostPort{}, fmt.Errorf("port %q is none", port)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return hostPort{ip.Unmap().String(), port}, nil
	}
	if host == "" || strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		return hostPort{}, fmt.Errorf("%q is no address", text)
	}
	return hostPort{strings.ToLower(host), port}, nil
}

// check reads all lines, whatever is wrong with the ones before.
func (c *enrolCheck) check(lines []enrolLine) []enrolWish {
	var wishes []enrolWish
	for _, l := range lines {
		w := c.wish(l)
		if w.stands = c.stands(w); w.stands == "" {
			c.places(l, &w)
		} else if w.stands == underway {
			w.ID = c.open[slices.IndexFunc(c.open, func(e query.Enrolment) bool { return e.Machine == string(w.Machine) })].ID
		}
		wishes = append(wishes, w)
	}
	return wishes
}

// How far an earlier enrolment of the same line has come.
const (
	underway = "is being enrolled"
	came     = "is a machine already"
)

// stands finds a line again that was enrolled before: the same command may be
// given twice.
func (c *enrolCheck) stands(w enrolWish) string {
	same := func(machine, address string, site string) bool {
		a, err := bmcAddress(address)
		b, wrong := bmcAddress(w.Address)
		return machine == string(w.Machine) && site == string(c.site) && err == nil && wrong == nil && a.host == b.host && (a.port == b.port || a.port == "" || b.port == "")
	}
	if slices.ContainsFunc(c.open, func(e query.Enrolment) bool { return same(e.Machine, e.Address, e.Site) }) {
		return underway
	}
	if slices.ContainsFunc(c.known.machines, func(m query.Machine) bool { return !m.Filed && same(m.ID, m.BmcAddress, m.Site) }) {
		return came
	}
	return ""
}

// once refuses what two have.
func (c *enrolCheck) once(at, what string) {
	if who, twice := c.taken[what]; twice {
		c.wrong.add(at, "%s is that of %s", what, who)
		return
	}
	c.taken[what] = at
}

func (c *enrolCheck) onceBMC(at string, b hostPort) {
	for _, other := range c.bmcs[b.host] {
		if other.port == b.port || other.port == "" || b.port == "" {
			c.wrong.add(at, "BMC %s is that of %s", b.host, other.who)
			return
		}
	}
	c.bmcs[b.host] = append(c.bmcs[b.host], bmcEnd{b.port, at})
}

// places checks what only one can have.
func (c *enrolCheck) places(l enrolLine, w *enrolWish) {
	if w.Machine != "" {
		c.once(l.at, "name "+string(w.Machine))
	}
	if b, err := bmcAddress(w.Address); err == nil {
		c.onceBMC(l.at, b)
	}
	if w.Rack != "" && w.Unit > 0 {
		c.once(l.at, unitKey(string(w.Rack), w.Unit))
	}
	ports := map[string]bool{}
	for _, n := range w.NICs {
		if n.MAC != "" {
			c.once(l.at, "MAC "+n.MAC)
		}
		for _, name := range []string{n.Port.Name, n.Member} {
			key := "port " + metal.Port{Switch: n.Port.Switch, Name: name}.String()
			if name != "" && n.Port.Switch != "" && !(ports[key] && sitefile.FitsBundle(name)) {
				c.once(l.at, key)
			}
			ports[key] = true
		}
	}
}
