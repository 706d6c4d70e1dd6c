package ipam

import (
	"encoding/csv"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"millwright/internal/metal"
)

// Assignment is a prefix of a registry's that somebody has: what a registry
// asks a provider to account for.
type Assignment struct {
	Prefix    netip.Prefix
	Aggregate netip.Prefix
	Customer  string // a project's ID, or Infrastructure, or Unnamed
	Site      metal.SiteID
	Role      metal.Role
	Since     time.Time
}

// Customers that are no projects. Upper case, which no project's ID has.
const (
	Infrastructure = "INFRASTRUCTURE" // the provider's own
	Unnamed        = "UNNAMED"        // held, and nobody said by whose project
)

// publicRoles are the roles that a registry has a say in.
var publicRoles = []metal.Role{metal.Public, metal.Anycast}

// Given lists the assignments in the aggregates of one registry, by address;
// of every aggregate where registry is empty. A project's block is one
// assignment, however it is used within. Customers are projects' IDs: whatever
// else a holder's name may hold, and be it a person, stays here.
func Given(s Snapshot, registry string) []Assignment {
	given := []Assignment{}
	for _, r := range s.rooms() {
		aggregate, ok := s.aggregateOf(r.Prefix, registry)
		if !ok || !slices.Contains(publicRoles, r.Role) {
			continue
		}
		one := Assignment{Aggregate: aggregate, Site: r.Site, Role: r.Role}
		if r.Project != "" {
			one.Prefix, one.Customer, one.Since = r.Prefix, string(r.Project), r.MadeAt
			given = append(given, one)
			continue
		}
		for _, p := range r.pieces {
			if p.State == metal.Held {
				one.Prefix, one.Customer, one.Since = p.Prefix, s.customer(p.Holder), p.Since
				given = append(given, one)
			}
		}
	}
	slices.SortStableFunc(given, func(a, b Assignment) int { return a.Prefix.Compare(b.Prefix) })
	return given
}

func (s Snapshot) aggregateOf(p netip.Prefix, registry string) (netip.Prefix, bool) {
	for _, a := range s.Aggregates {
		if Covers(a.Prefix, p) && (registry == "" || a.Registry == registry) {
			return a.Prefix, true
		}
	}
	return netip.Prefix{}, false
}

func (s Snapshot) customer(h metal.Holder) string {
	switch project := s.ProjectOf(h); {
	case project != "":
		return string(project)
	case strings.HasPrefix(string(h), metal.PortHolder):
		return Infrastructure
	}
	return Unnamed
}

// NetName is an assignment's name in the forms of registries: capitals, digits
// and dashes, the first a letter, at most 80.
func (a Assignment) NetName() string {
	name := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToUpper(a.Customer+"-"+a.place()))
	if name[0] < 'A' || name[0] > 'Z' {
		name = "N" + name
	}
	return strings.TrimRight(name[:min(len(name), 80)], "-")
}

// place is where an assignment is used.
func (a Assignment) place() string {
	if a.Site == "" {
		return "anycast"
	}
	return string(a.Site)
}

var assignmentColumns = []string{"prefix", "first", "last", "size", "unit", "net_name", "customer", "site", "role", "since",
	"aggregate", "swip"}

// GivenCSV writes assignments for spreadsheets, and for forms of registries
// that take CSV. Sizes are in Unit; swip says whether ARIN wants the assignment
// reported.
func GivenCSV(w io.Writer, given []Assignment) error {
	out := csv.NewWriter(w)
	records := [][]string{assignmentColumns}
	for _, a := range given {
		records = append(records, []string{a.Prefix.String(), a.Prefix.Addr().String(), LastAddr(a.Prefix).String(),
			number(Units(a.Prefix)), Unit(Family(a.Prefix)), a.NetName(), a.Customer, string(a.Site), string(a.Role),
			dateOf(a.Since), a.Aggregate.String(), strconv.FormatBool(a.reported())})
	}
	return out.WriteAll(records)
}

// dateOf is empty for what nobody dated.
func dateOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}
