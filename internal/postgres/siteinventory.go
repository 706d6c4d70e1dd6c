package postgres

import (
	"context"
	"maps"
	"net/netip"
	"slices"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/sitefile"
)

// inventory is what the database knew before an import. Names and addresses
// are unique across sites, so it looks at all of them.
type inventory struct {
	sites    map[string]query.Site
	plans    map[string]query.Plan
	systems  map[string]query.AllOperatingSystemsRow
	racks    []string // of the imported site
	given    []query.ListAggregatesRow
	blocks   []query.AllBlocksRow
	zones    []query.Zone
	switches map[string]query.Switch
	machines map[string]query.Machine
	nics     []query.AllNICsRow
	ports    map[string]query.AllPortsRow // by "switch:name"
}

// look reads the inventory, under locks that keep it true until the import has
// ended: no other import, and no run that claims a machine of this one.
func (im *siteImport) look(ctx context.Context) error {
	if err := im.q.LockImports(ctx); err != nil {
		return err
	}
	if err := im.q.LockSpace(ctx); err != nil { // no operator adds a block meanwhile
		return err
	}
	ids := make([]string, len(im.file.Machines))
	for i, m := range im.file.Machines {
		ids[i] = string(m.ID)
	}
	if err := im.q.LockMachines(ctx, query.LockMachinesParams{Site: string(im.file.ID), Ids: ids}); err != nil {
		return err
	}
	w := &im.was
	for _, read := range []func() error{
		func() error { return index(ctx, im.q.AllSites, &w.sites, func(s query.Site) string { return s.ID }) },
		func() error { return index(ctx, im.q.AllPlans, &w.plans, func(p query.Plan) string { return p.ID }) },
		func() error {
			return index(ctx, im.q.AllOperatingSystems, &w.systems, func(o query.AllOperatingSystemsRow) string { return o.ID })
		},
		func() error {
			return index(ctx, im.q.AllSwitches, &w.switches, func(s query.Switch) string { return s.ID })
		},
		func() error {
			return index(ctx, im.q.AllMachines, &w.machines, func(m query.Machine) string { return m.ID })
		},
		func() (err error) { w.racks, err = im.q.RacksOf(ctx, string(im.file.ID)); return err },
		func() (err error) { w.given, err = im.q.ListAggregates(ctx); return err },
		func() (err error) { w.blocks, err = im.q.AllBlocks(ctx); return err },
		func() (err error) { w.zones, err = im.q.AllZones(ctx); return err },
		func() (err error) { w.nics, err = im.q.AllNICs(ctx); return err },
		func() error {
			return index(ctx, im.q.AllPorts, &w.ports, func(p query.AllPortsRow) string { return p.Switch + ":" + p.Name })
		},
	} {
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

func index[T any](ctx context.Context, read func(context.Context) ([]T, error), into *map[string]T, id func(T) string) error {
	rows, err := read(ctx)
	*into = make(map[string]T, len(rows))
	for _, row := range rows {
		(*into)[id(row)] = row
	}
	return err
}

// goneCatalogue lists plans and systems that the file no longer has, kind and
// name. Sites share the catalogue: with several of them, what one file lacks
// another may have, and nothing can be said.
func (w *inventory) goneCatalogue(file *sitefile.Site) (gone [][2]string) {
	if len(w.sites) > 1 || len(w.sites) == 1 && w.sites[string(file.ID)].ID == "" {
		return nil
	}
	for _, id := range keys(w.plans) {
		if !has(file.Plans, func(p sitefile.Plan) bool { return string(p.ID) == id }) {
			gone = append(gone, [2]string{"plan", id})
		}
	}
	for _, id := range keys(w.systems) {
		if !has(file.OperatingSystems, func(o sitefile.OperatingSystem) bool { return string(o.ID) == id }) {
			gone = append(gone, [2]string{"operating system", id})
		}
	}
	return gone
}

// cabling is where a machine's NICs are plugged in, first one first.
func (w *inventory) cabling(machine string) (nics []sitefile.NIC) {
	for _, n := range w.nics { // in the order of their positions
		if n.Machine == machine {
			nics = append(nics, sitefile.NIC{MAC: n.Mac, Port: metal.Port{Switch: metal.SwitchID(n.Switch), Name: n.Port}, Member: n.Member})
		}
	}
	return nics
}

func (im *siteImport) hasMachine(id string) bool {
	return has(im.file.Machines, func(m sitefile.Machine) bool { return string(m.ID) == id })
}

func (im *siteImport) hasBlock(p netip.Prefix) bool {
	return has(im.file.Blocks, func(b sitefile.Block) bool { return b.Prefix == p })
}

// replaced reports whether a block of the file covers an unused one that the
// file no longer has.
func (im *siteImport) replaced(p netip.Prefix) bool {
	return has(im.file.Blocks, func(b sitefile.Block) bool { return b.Prefix != p && b.Prefix.Overlaps(p) })
}

func (im *siteImport) hasPort(p metal.Port) bool {
	return has(im.file.Machines, func(m sitefile.Machine) bool {
		return has(m.NICs, func(n sitefile.NIC) bool { return n.Port == p })
	})
}

func has[T any](all []T, is func(T) bool) bool { return slices.ContainsFunc(all, is) }

func keys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
