package junos

import (
	"slices"
	"strings"

	"millwright/internal/metal"
)

// bundlePieces make a port of several interfaces (LACP, IEEE 802.1AX), or see
// to it that a port of one is in no bundle: there Junos takes no address. A
// bundle whose members the intent does not name is the operators'. That the
// switch has aggregated devices at all (chassis aggregated-devices) is theirs in
// any case.
func bundlePieces(p metal.PortIntent) []piece {
	if !bundle(p.Port.Name) {
		return []piece{membership(p.Port.Name, p.Port.Name, nil)}
	}
	if len(p.Members) == 0 {
		return nil
	}
	pieces := []piece{{
		port: p.Port.Name,
		path: append(at(p.Port.Name), step{tag: "aggregated-ether-options"}),
		step: step{tag: "lacp"},
		want: branch("lacp", bare("active"), leaf("periodic", "fast")), // fast finds a dead link in 3 s, slow in 90
	}}
	for i, m := range p.Members {
		pieces = append(pieces, memberPieces(p, m, i == 0)...)
	}
	return pieces
}

// memberPieces are a member's: in the bundle, and nothing of a port of its own
// that it may have been before.
func memberPieces(p metal.PortIntent, member string, boots bool) []piece {
	joins := branch("ieee-802.3ad")
	if boots {
		// Firmware speaks no LACP: the link it boots from carries packets without.
		joins.children = append(joins.children, branch("lacp", bare("force-up")))
	}
	joins.children = append(joins.children, leaf("bundle", p.Port.Name))
	told := strings.Join([]string{mark, string(p.Machine), p.Port.Name}, " ")
	pieces := []piece{
		{path: at(member), step: step{tag: "description"}, want: leaf("description", told)},
		downPiece(member, false),
		{path: at(member), step: step{tag: "unit", key: "0"}},
		membership(member, p.Port.Name, joins),
	}
	nobody := metal.PortIntent{Port: metal.Port{Switch: p.Port.Switch, Name: member}, Profile: metal.Disabled}
	pieces = append(pieces, namedPieces(nobody, "")...)
	for i := range pieces {
		pieces[i].port = p.Port.Name
	}
	return pieces
}

func membership(member, port string, want *element) piece {
	return piece{
		port: port, path: append(at(member), step{tag: "ether-options"}),
		step: step{tag: "ieee-802.3ad"}, want: want,
	}
}

// strayMembers take interfaces out of a bundle that the intent no longer names
// in it; the switch says which those are.
func strayMembers(p metal.PortIntent, configuration *element) []piece {
	if len(p.Members) == 0 {
		return nil
	}
	var strays []piece
	for _, i := range configuration.child("interfaces").all("interface") {
		in := i.at("ether-options", "ieee-802.3ad", "bundle").value()
		if in == p.Port.Name && !slices.Contains(p.Members, i.key()) {
			strays = append(strays, membership(i.key(), p.Port.Name, nil))
		}
	}
	return strays
}
