package main

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/sitefile"
)

// wish reads one line's fields. What is wrong is noted, and left out.
func (c *enrolCheck) wish(l enrolLine) enrolWish {
	f := l.fields
	w := enrolWish{at: l.at, Enrolment: metal.Enrolment{Site: c.site, Serial: f["serial"]}}
	if _, err := bmcAddress(f["bmc"]); f["bmc"] == "" || err != nil {
		c.wrong.add(l.at, "bmc is %q; write its address, with its port where that is an unusual one", f["bmc"])
	} else {
		w.Address = f["bmc"]
	}
	if !sitefile.FitsName(f["name"]) {
		c.wrong.add(l.at, "name is %q; write lower-case letters, digits, dots and hyphens, or give --name", f["name"])
	} else {
		w.Machine = metal.MachineID(f["name"])
	}
	w.Rack = metal.RackID(c.one(l, "rack", c.known.racks))
	w.Plan = metal.PlanID(c.one(l, "plan", idsOf(c.known.plans, func(p query.Plan) string { return p.ID })))
	w.Firmware = metal.Firmware(c.one(l, "firmware", []string{string(metal.UEFI), string(metal.BIOS)}))
	if unit, err := strconv.Atoi(f["unit"]); err != nil || unit < 1 || unit > 100 {
		c.wrong.add(l.at, "unit is %q; write its place in the rack, from 1 on", f["unit"])
	} else {
		w.Unit = unit
	}
	w.Kexec = c.truth(l, "kexec")
	c.login(l, &w)
	for _, which := range []string{"", "2"} {
		if which == "" || f["port2"] != "" || f["mac2"] != "" {
			w.NICs = append(w.NICs, c.nic(l, which))
		}
	}
	return w
}

func idsOf[T any](things []T, id func(T) string) (all []string) {
	for _, t := range things {
		all = append(all, id(t))
	}
	return all
}

// one takes a word that has to be one of some.
func (c *enrolCheck) one(l enrolLine, column string, of []string) string {
	word := l.fields[column]
	if slices.Contains(of, word) {
		return word
	}
	c.wrong.add(l.at, "%s is %q; there is: %s", column, word, strings.Join(of, ", "))
	return ""
}

func (c *enrolCheck) truth(l enrolLine, column string) bool {
	switch strings.ToLower(l.fields[column]) {
	case "", "no", "false", "0":
		return false
	case "yes", "true", "1":
		return true
	}
	c.wrong.add(l.at, "%s is %q; write yes or no", column, l.fields[column])
	return false
}

// login takes the line's own user and password, or the credential that all
// lines without one share. Neither is quoted.
func (c *enrolCheck) login(l enrolLine, w *enrolWish) {
	user, password := l.fields["user"], l.fields["password"]
	switch {
	case password != "" && user == "":
		c.wrong.add(l.at, "it has a password and no user")
	case password != "":
		w.first = metal.Credential{User: user, Password: password}
	case c.credential == "":
		c.wrong.add(l.at, "it has no password; add a column password, or name a credential of the worker's with --credential")
	default:
		w.Credential = c.credential
	}
}

// nic reads where one cable goes: the columns switch, port and mac, or those of
// the second one. With a bundle, the port is a member of it.
func (c *enrolCheck) nic(l enrolLine, which string) metal.EnrolledNIC {
	name := l.fields["switch"+which]
	if name == "" && which != "" { // to the same switch
		name = l.fields["switch"]
	}
	nic := metal.EnrolledNIC{MAC: c.mac(l, "mac"+which)}
	at := slices.IndexFunc(c.known.switches, func(s query.Switch) bool { return s.ID == name && s.Site == string(c.site) })
	if at < 0 {
		of := slices.DeleteFunc(slices.Clone(c.known.switches), func(s query.Switch) bool { return s.Site != string(c.site) })
		c.wrong.add(l.at, "switch%s is %q; there is: %s", which, name, strings.Join(idsOf(of, func(s query.Switch) string { return s.ID }), ", "))
		return nic
	}
	nic.Port.Switch = metal.SwitchID(name)
	port, bundle := l.fields["port"+which], l.fields["bundle"]
	if !sitefile.FitsPort(c.known.switches[at].Driver, port) {
		c.wrong.add(l.at, "port%s is %q; write an interface as xe-0/0/7, without its unit", which, port)
		return nic
	}
	nic.Port.Name = port
	if bundle == "" {
		return nic
	}
	if !sitefile.FitsBundle(bundle) {
		c.wrong.add(l.at, "bundle is %q; write an aggregated interface as ae7", bundle)
		return nic
	}
	nic.Port.Name, nic.Member = bundle, port
	return nic
}

// mac may be left out: the BMC names its machine's, in its order.
func (c *enrolCheck) mac(l enrolLine, column string) string {
	text := l.fields[column]
	if text == "" {
		return ""
	}
	mac, err := net.ParseMAC(text)
	if err != nil || len(mac) != 6 || mac[0]&1 == 1 {
		c.wrong.add(l.at, "%s is %q; write a NIC's six bytes as 02:00:5e:10:00:01", column, text)
		return ""
	}
	return mac.String()
}
