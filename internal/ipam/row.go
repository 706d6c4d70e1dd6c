package ipam

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"millwright/internal/metal"
)

// Kinds of rows.
const (
	kindAggregate  = "aggregate"
	kindBlock      = "block"
	kindLease      = "lease"
	kindQuarantine = "quarantine"
)

// Columns are those of our own CSV. kind and prefix must be there; columns may
// come in any order, and those that a file does not need may be left out.
//
//	kind      aggregate, block, lease or quarantine
//	prefix    in CIDR form, without host bits
//	site      of a block; empty for anycast. Of a lease: checked against its block
//	role      install, public, private, management, loopback, link or anycast; of a lease: checked
//	purpose   of a block: pool, own or reservation; a block with a project is a reservation if nothing is said
//	project   of a block that a project has; of a lease: whose its holder is
//	projects  of a block: who may take from it, separated by spaces; empty: all
//	holder    of a lease: device/…, port/…, project/…, imported/…; anything else is imported/…; empty: project/<project>
//	ask       of a lease: which of its holder's it is; the prefix if nothing is said
//	registry  of an aggregate: ripe, arin, rfc1918, …
//	status    of an aggregate: the registry's word
//	since     when an aggregate was given, a block made, a lease taken or given back; a date or RFC 3339
//	until     of a quarantine: when it ends
//	note      of an aggregate or block
var Columns = []string{"kind", "prefix", "site", "role", "purpose", "project", "projects", "holder", "ask", "registry",
	"status", "since", "until", "note"}

// meant says which columns say something about a kind, besides kind and prefix.
var meant = map[string][]string{
	kindAggregate:  {"registry", "status", "since", "note"},
	kindBlock:      {"site", "role", "purpose", "project", "projects", "since", "note"},
	kindLease:      {"site", "role", "project", "holder", "ask", "since"},
	kindQuarantine: {"site", "role", "since", "until"},
}

// row is a line by the names of its columns; what is empty is not there.
type row struct {
	line   int
	fields map[string]string
}

func (rd *reader) ownHeader(header []string) {
	for _, column := range header {
		if !slices.Contains(Columns, column) {
			rd.problem(1, "unknown column %q; known: %s", column, strings.Join(Columns, ", "))
		}
	}
	if !slices.Contains(header, "prefix") {
		rd.problem(1, `no column "prefix"; add it`)
	}
}

// own takes a row in our own columns, whether our CSV or NetBox said so. A row
// with a problem is taken as well: then nobody gets the plan.
func (rd *reader) own(r row) {
	kind := r.fields["kind"]
	prefix := rd.prefix(r)
	if meant[kind] == nil {
		rd.problem(r.line, "kind is %q; write aggregate, block, lease or quarantine", kind)
		return
	}
	rd.stray(r, kind)
	rd.clean(r)
	switch kind {
	case kindAggregate:
		rd.aggregate(r, prefix)
	case kindBlock:
		rd.block(r, prefix)
	default:
		rd.lease(r, prefix)
	}
}

// stray finds what is said where it means nothing. A lease's note has nowhere
// to go, and is no reason to refuse a file.
func (rd *reader) stray(r row, kind string) {
	for _, column := range Columns[2:] {
		switch {
		case r.fields[column] == "" || slices.Contains(meant[kind], column):
		case column == "note":
			rd.leaveOut(r.line, "the note of %s is not kept: a %s has none", r.fields["prefix"], kind)
		default:
			rd.problem(r.line, "%s says nothing about a %s; leave it empty", column, kind)
		}
	}
}

const longestField = 1000 // letters; a note is a sentence

// clean refuses what would garble a terminal or a report.
func (rd *reader) clean(r row) {
	for _, column := range Columns {
		text := r.fields[column]
		if utf8.RuneCountInString(text) > longestField {
			rd.problem(r.line, "%s is longer than %d letters; shorten it", column, longestField)
		}
		if strings.ContainsFunc(text, func(c rune) bool {
			return unicode.IsControl(c) && !(column == "note" && (c == '\n' || c == '\t'))
		}) {
			rd.problem(r.line, "%s contains a control character; remove it", column)
		}
	}
}

func (rd *reader) prefix(r row) netip.Prefix {
	if r.fields["prefix"] == "" {
		rd.problem(r.line, "prefix is empty; write one like 198.51.100.0/24")
		return netip.Prefix{}
	}
	prefix, err := ParsePrefix(r.fields["prefix"])
	if err != nil {
		rd.refuse(r.line, err)
	}
	return prefix
}

func (rd *reader) aggregate(r row, prefix netip.Prefix) {
	a := metal.Aggregate{Prefix: prefix, Registry: r.fields["registry"], Status: r.fields["status"],
		Given: rd.time(r, "since"), Note: r.fields["note"]}
	if !registryForm.MatchString(a.Registry) {
		rd.problem(r.line, "registry %q is not a name; use lower-case letters, digits and dashes", a.Registry)
	}
	rd.plan.Aggregates = append(rd.plan.Aggregates, Wanted[metal.Aggregate]{a, rd.at(r.line)})
}

var registryForm = regexp.MustCompile(`^[a-z0-9-]{0,63}$`)

func (rd *reader) block(r row, prefix netip.Prefix) {
	b := metal.Block{Prefix: prefix, Site: metal.SiteID(rd.name(r, "site")), Role: rd.role(r),
		Purpose: metal.Purpose(r.fields["purpose"]), Project: metal.ProjectID(rd.name(r, "project")),
		MadeAt: rd.time(r, "since"), Note: r.fields["note"]}
	for _, word := range strings.Fields(r.fields["projects"]) {
		if !nameForm.MatchString(word) {
			rd.problem(r.line, "projects: %q is not a name; separate names by spaces", word)
		}
		b.Projects = append(b.Projects, metal.ProjectID(word))
	}
	if b.Purpose == "" {
		b.Purpose = metal.Pool
		if b.Project != "" {
			b.Purpose = metal.Reservation
		}
	}
	if r.fields["role"] == "" {
		rd.problem(r.line, "block %s has no role; write one of %s", prefix, rolesText())
	} else if b.Role != "" && prefix.IsValid() {
		if err := CheckBlock(b); err != nil {
			rd.refuse(r.line, err)
		}
	}
	rd.plan.Blocks = append(rd.plan.Blocks, Wanted[metal.Block]{b, rd.at(r.line)})
}

func (rd *reader) lease(r row, prefix netip.Prefix) {
	l := Lease{Project: metal.ProjectID(rd.name(r, "project")), Site: metal.SiteID(rd.name(r, "site")), Role: rd.role(r)}
	l.Piece = metal.Piece{Prefix: prefix, State: metal.Held, Since: rd.time(r, "since")}
	if r.fields["kind"] == kindQuarantine {
		l.State, l.FreedAt = metal.Resting, rd.time(r, "until")
	} else {
		l.Holder = rd.holder(r, l.Project)
		if l.Holder == metal.Holder(metal.ProjectHolder)+metal.Holder(l.Project) {
			l.Project = "" // said once
		}
		l.Ask = r.fields["ask"]
		if l.Ask == "" {
			l.Ask = prefix.String()
		}
	}
	rd.plan.Leases = append(rd.plan.Leases, Wanted[Lease]{l, rd.at(r.line)})
}

// holder makes a holder of whatever words a file has for who uses an address.
func (rd *reader) holder(r row, project metal.ProjectID) metal.Holder {
	text := r.fields["holder"]
	if text == "" && project == "" {
		rd.problem(r.line, "the lease has no holder; say who uses it, or whose project it is")
		return ""
	}
	if text == "" {
		return metal.Holder(metal.ProjectHolder) + metal.Holder(project)
	}
	for _, kind := range []string{metal.DeviceHolder, metal.PortHolder, metal.ProjectHolder, metal.ImportedHolder} {
		if rest, ok := strings.CutPrefix(text, kind); ok && rest != "" {
			return metal.Holder(text)
		}
	}
	return metal.Holder(metal.ImportedHolder + text)
}

// nameForm is that of names in site files.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

func (rd *reader) name(r row, column string) string {
	if text := r.fields[column]; text != "" && !nameForm.MatchString(text) {
		rd.problem(r.line, "%s %q is not a name; use up to 63 lower-case letters, digits, dots, dashes and underscores", column, text)
	}
	return r.fields[column]
}

func (rd *reader) role(r row) metal.Role {
	role := metal.Role(r.fields["role"])
	if role != "" && !slices.Contains(roles, role) {
		rd.problem(r.line, "role is %q; write one of %s", role, rolesText())
		return ""
	}
	return role
}

func (rd *reader) time(r row, column string) time.Time {
	text := r.fields[column]
	if text == "" {
		return time.Time{}
	}
	for _, form := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC()
		}
	}
	rd.problem(r.line, "%s is %q; write a date like 2026-11-22, or a time like 2026-11-22T09:30:00Z", column, text)
	return time.Time{}
}
