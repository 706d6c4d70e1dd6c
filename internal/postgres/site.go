package postgres

import (
	"context"
	"fmt"
	"strings"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/sitefile"
)

// What an import does to a thing of the site file.
const (
	Added     = "added"
	Changed   = "changed"
	Unchanged = "unchanged"
	Vanished  = "vanished" // in the database, no longer in the file; left alone
)

// Change is what an import did to one thing.
type Change struct {
	Kind   string `json:"kind"` // site, aggregate, block, plan, operating system, rack, switch, machine, port
	Name   string `json:"name"`
	What   string `json:"what"`
	Detail string `json:"detail,omitempty"` // of a change: "unit 1 → 2"
}

// Refusals are all the reasons for which an import changed nothing.
type Refusals []string

// Error prints one reason to a line.
func (r Refusals) Error() string { return strings.Join(r, "\n") }

// Unwrap says that no retry mends it.
func (r Refusals) Unwrap() error { return metal.ErrWrongState }

// ImportSite brings the catalogue and one site's racks to what the file says,
// in one transaction, and tells what it did to each thing. It never moves what
// is in use: then the error is Refusals, and nothing has changed. A repeat
// changes nothing.
func (s *Store) ImportSite(ctx context.Context, site *sitefile.Site) ([]Change, error) {
	var changes []Change
	err := s.in(ctx, func(q *query.Queries) error {
		im := &siteImport{q: q, file: site}
		if err := im.look(ctx); err != nil {
			return fmt.Errorf("import site %s: read what there is: %w", site.ID, err)
		}
		im.check()
		if len(im.refused) > 0 {
			return im.refused
		}
		if err := im.write(ctx); err != nil {
			return fmt.Errorf("import site %s: %w", site.ID, err)
		}
		im.vanished()
		changes = im.changes
		return nil
	})
	return changes, err
}

// siteImport is one import under way.
type siteImport struct {
	q       *query.Queries
	file    *sitefile.Site
	was     inventory
	changes []Change
	refused Refusals
}

func (im *siteImport) refuse(format string, args ...any) {
	im.refused = append(im.refused, fmt.Sprintf(format, args...))
}

// facts are a thing's properties as people read them: name, value, name, value.
type facts []any

// note records what becomes of a thing, and reports whether that takes a write.
// A thing that was not there has no facts.
func (im *siteImport) note(kind, name string, was, is facts) bool {
	change := Change{Kind: kind, Name: name, What: Unchanged}
	if was == nil {
		change.What = Added
	} else if detail := was.difference(is); detail != "" {
		change.What, change.Detail = Changed, detail
	}
	im.changes = append(im.changes, change)
	return change.What != Unchanged
}

func (was facts) difference(is facts) string {
	var all []string
	for i := 0; i < len(is); i += 2 {
		before, after := fmt.Sprint(was[i+1]), fmt.Sprint(is[i+1])
		if before != after {
			all = append(all, fmt.Sprintf("%s %s → %s", is[i], before, after))
		}
	}
	return strings.Join(all, "; ")
}

// vanished notes what the database has and the file has not. It is left alone:
// a line that was lost from a file must not take a machine with it. Machines that
// were enrolled by command were never in the file, and are not missed there.
func (im *siteImport) vanished() {
	gone := func(kind, name string) {
		im.changes = append(im.changes, Change{Kind: kind, Name: name, What: Vanished, Detail: "it is left as it is"})
	}
	for _, name := range im.was.goneCatalogue(im.file) {
		gone(name[0], name[1])
	}
	for _, b := range im.was.blocks {
		if b.Site == string(im.file.ID) && b.Filed && !im.hasBlock(b.Prefix) && !im.replaced(b.Prefix) {
			gone("block", b.Prefix.String())
		}
	}
	for _, rack := range im.was.racks {
		if !has(im.file.Racks, func(r metal.RackID) bool { return string(r) == rack }) {
			gone("rack", rack)
		}
	}
	for _, id := range keys(im.was.switches) {
		if im.was.switches[id].Site == string(im.file.ID) && !has(im.file.Switches, func(s sitefile.Switch) bool { return string(s.ID) == id }) {
			gone("switch", id)
		}
	}
	for _, id := range keys(im.was.machines) {
		if im.was.machines[id].Site == string(im.file.ID) && im.was.machines[id].Filed && !im.hasMachine(id) {
			gone("machine", id)
		}
	}
	for _, p := range im.was.ports {
		if p.Site == string(im.file.ID) && im.was.machines[p.Machine].Filed && !im.hasPort(metal.Port{Switch: metal.SwitchID(p.Switch), Name: p.Name}) {
			gone("port", p.Switch+":"+p.Name)
		}
	}
}
