package access

import (
	"fmt"
	"strings"

	"millwright/internal/metal"
)

// Roles are the columns of the table, as people read it.
var Roles = []metal.MemberRole{
	metal.Owner, metal.Admin, metal.Collaborator, metal.LimitedCollaborator, metal.Accountant, metal.ProjectKey, metal.Operator,
}

var (
	// Verbs are all that can be done to something.
	Verbs = []Verb{See, Create, Alter, Operate, Delete}

	// Kinds are all that something can be done to, but for Catalogue and Self,
	// of which no role decides.
	Kinds = []Kind{
		Person, Organization, Project, Member, Key, SSHKey, Device, Secret, Address, BGP, Hardware, Event, Webhook, Usage, Audit, Quota, System,
	}
)

// Row is what each of Roles may do to one kind of thing.
type Row struct {
	Kind Kind
	Verb Verb
	May  []bool // by Roles
}

// Table is all that somebody besides operators may do, and all that only
// operators may.
func Table() []Row {
	var rows []Row
	for _, kind := range Kinds {
		for _, verb := range Verbs {
			if _, said := table[kind][verb]; !said {
				continue // operators alone
			}
			row := Row{Kind: kind, Verb: verb}
			for _, role := range Roles {
				row.May = append(row.May, May([]metal.MemberRole{role}, verb, kind))
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// Markdown is the table for the documentation.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| thing | done to it |")
	for _, role := range Roles {
		fmt.Fprintf(&b, " %s |", strings.ReplaceAll(string(role), "_", " "))
	}
	b.WriteString("\n| --- | --- |" + strings.Repeat(" --- |", len(Roles)) + "\n")
	for _, row := range Table() {
		fmt.Fprintf(&b, "| %s | %s |", row.Kind, row.Verb)
		for _, may := range row.May {
			b.WriteString(map[bool]string{true: " yes |", false: "  |"}[may])
		}
		b.WriteString("\n")
	}
	return b.String()
}
