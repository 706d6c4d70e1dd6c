package fitness

import (
	"cmp"
	"net"
	"regexp"
	"strings"

	"millwright/internal/inventory"
	"millwright/internal/metal"
)

// lead is where a cable leads, by what is heard at its other end.
type lead struct {
	there   bool       // where it should
	to      metal.Port // elsewhere
	unclear string     // why nobody can tell
}

// leads compares a neighbour with the declared switch and port. A neighbour that
// names neither is no swapped cable: it is a switch that says too little.
func leads(n inventory.Neighbour, want metal.DeclaredNIC) lead {
	names := portNames(n)
	elsewhere := metal.Port{Switch: metal.SwitchID(cmp.Or(n.System, n.Chassis)), Name: likest(names, physical(want))}
	switch {
	case same(n.System, want.Port.Switch) || same(n.Chassis, want.Port.Switch):
		elsewhere.Switch = want.Port.Switch
	case n.System == "" && isMAC(n.Chassis):
		return lead{unclear: "its neighbour " + n.Chassis + " does not say what it is called"}
	default:
		return lead{to: elsewhere}
	}
	if bundle.MatchString(physical(want)) {
		return lead{there: true} // which of its interfaces is not declared
	}
	for _, name := range names {
		if strings.EqualFold(name, physical(want)) {
			return lead{there: true}
		}
	}
	if shape(elsewhere.Name) != shape(physical(want)) && (digits.MatchString(n.Port) || isMAC(n.Port)) {
		return lead{unclear: "its neighbour calls the port " + n.Port + ": on Junos, set protocols lldp port-id-subtype interface-name"}
	}
	return lead{to: elsewhere}
}

// bundle is a declared port that stands for links which are not declared.
var bundle = regexp.MustCompile(`^ae[0-9]+$`)

// same is whether a neighbour's name is a switch's: it may add its domain.
func same(name string, sw metal.SwitchID) bool {
	name, want := strings.ToLower(name), strings.ToLower(string(sw))
	return want != "" && (name == want || strings.HasPrefix(name, want+"."))
}

// portNames are the words that may name a port. Junos sends "xe-0/0/7" as ID or
// its SNMP index (locally-assigned, the default of many releases), lldpd the name
// or the MAC; and both the interface's description, which Millwright itself sets
// to "millwright m7 …", or its name where there is none. Units are dropped: a
// port has one.
func portNames(n inventory.Neighbour) (names []string) {
	for _, word := range append([]string{n.Port}, separators.Split(n.Description, -1)...) {
		if !isMAC(word) {
			word = unit.ReplaceAllString(word, "")
		}
		if word != "" {
			names = append(names, word)
		}
	}
	return names
}

var (
	separators = regexp.MustCompile(`[\s,;()\[\]"']+`)
	unit       = regexp.MustCompile(`\.[0-9]+$`)
	number     = regexp.MustCompile(`[0-9]+`)
	digits     = regexp.MustCompile(`^[0-9]+$`)
)

// likest is the word that looks like the port that was expected, or the ID.
func likest(names []string, like string) string {
	for _, name := range names {
		if shape(name) == shape(like) {
			return name
		}
	}
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// shape is a port's name without its numbers: "xe-#/#/#".
func shape(name string) string { return number.ReplaceAllString(strings.ToLower(name), "#") }

func isMAC(text string) bool {
	_, err := net.ParseMAC(text)
	return err == nil
}
