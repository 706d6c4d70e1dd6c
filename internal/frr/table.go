package frr

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// mark begins the name or description of all that Millwright configures.
const mark = "millwright"

// table is the nftables table that is Millwright's: what stands in each of its
// chains, line by line as nft prints it. How packets come to a port's chains is
// the same for all ports, and rendered when the table is written; what is found
// there otherwise is kept under its own name, to be seen as a difference.
type table map[string][]string

// hook is a base chain: where packets are looked at, by which of their
// interfaces, and how the chains are called that they are sent to.
type hook struct{ name, base, key, prefix string }

// hooks are the base chains: each sends packets to the chain of their port. The
// first runs before any other filter and before routing, so that it sees what
// is forwarded and what is for the switch alike.
var hooks = []hook{
	{"received", "type filter hook prerouting priority raw; policy accept;", "iifname", "from-"},
	{"sent", "type filter hook postrouting priority srcnat; policy accept;", "oifname", "to-"},
	{"meant-for-us", "type filter hook input priority filter; policy accept;", "iifname", "at-"},
}

// write renders the transaction that replaces the whole table at once. The
// first line is for a switch that has none yet.
func (t table) write() string {
	var b strings.Builder
	fmt.Fprintf(&b, "table inet %[1]s\ndelete table inet %[1]s\ntable inet %[1]s {\n", mark)
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if isPort(name) {
			fmt.Fprintf(&b, "chain %s {\n%s\n}\n", name, strings.Join(t[name], "\n"))
		}
	}
	for _, h := range hooks {
		fmt.Fprintf(&b, "chain %s {\n%s\n%s vmap { ", h.name, h.base, h.key)
		for _, name := range slices.Sorted(maps.Keys(t)) {
			if port, found := strings.CutPrefix(name, h.prefix); found {
				fmt.Fprintf(&b, "%q : jump %s, ", port, name)
			}
		}
		b.WriteString("}\n}\n")
	}
	b.WriteString("}\n")
	return b.String()
}

func isPort(chain string) bool {
	return slices.ContainsFunc(hooks, func(h hook) bool { return strings.HasPrefix(chain, h.prefix) })
}

var (
	block = regexp.MustCompile(`^\t(\S+ )?(\S+) \{$`)
	jump  = regexp.MustCompile(`"([^"]+)" : (jump \S+?)[ ,]`)
)

// parseTable reads what "nft list table" prints.
func parseTable(text string) table {
	t := table{}
	name := ""
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n")
		if m := block.FindStringSubmatch(l); m != nil {
			name = m[2]
			t[name] = nil
		} else if l == "\t}" {
			name = ""
		} else if rule := strings.TrimSpace(l); name != "" && rule != "" {
			t[name] = append(t[name], rule)
		}
	}
	return t
}

// lines are the rules of a port: its chains, that its packets come there, and
// what else there is in the table that is nobody's.
func (t table) lines(port string) []line {
	var lines []line
	for _, h := range hooks {
		name := h.prefix + port
		for i, rule := range t[name] {
			lines = append(lines, line{place: filter, text: name + ": " + rule, order: i})
		}
		lines = append(lines, t.dispatch(h.name, port)...)
	}
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if !isPort(name) && !slices.ContainsFunc(hooks, func(h hook) bool { return h.name == name }) {
			lines = append(lines, line{place: filter, text: "foreign to the table: " + name})
		}
	}
	return lines
}

// dispatch are a base chain's lines as far as they are about one port: its map
// of all ports is reduced to that one.
func (t table) dispatch(name, port string) []line {
	var lines []line
	var all strings.Builder // nft breaks a long map into lines
	for _, rule := range t[name] {
		if strings.Contains(rule, " vmap {") || all.Len() > 0 {
			all.WriteString(rule + " ")
			if !strings.HasSuffix(rule, "}") {
				continue
			}
			rule = only(all.String(), port)
			all.Reset()
		}
		lines = append(lines, line{place: filter, text: name + ": " + rule})
	}
	return lines
}

// only reduces a map to the port's element.
func only(dispatch, port string) string {
	key, _, _ := strings.Cut(dispatch, " vmap")
	for _, m := range jump.FindAllStringSubmatch(dispatch, -1) {
		if m[1] == port {
			return key + " " + port + " " + m[2]
		}
	}
	return key + " " + port + " nowhere"
}

// readTable reads the table, parsed and as it is; both are empty where there is
// none.
func (s *shell) readTable() (table, string, error) {
	text, err := s.run("read its filters",
		"nft list tables >/dev/null\nif nft list tables inet | grep -qx 'table inet "+mark+"'; then nft -s list table inet "+mark+"; fi")
	return parseTable(text), text, err
}

// printed gives a table as the switch's nft prints it, by way of a network
// namespace where it lives as long as the question.
func (s *shell) printed(t table) (table, error) {
	text, err := s.run("check filters", "unshare --net sh -ec 'nft -f -; nft -s list table inet "+mark+"'"+document(t.write()))
	return parseTable(text), err
}
