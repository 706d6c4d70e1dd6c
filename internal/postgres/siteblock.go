package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/sitefile"
)

// checkAggregates keeps aggregates disjoint. Smaller ones that were assumed
// become part of what the file names.
func (im *siteImport) checkAggregates() {
	for _, f := range im.file.Aggregates {
		for _, was := range im.was.given {
			switch {
			case was.Prefix == f.Prefix || !was.Prefix.Overlaps(f.Prefix):
			case ipam.Covers(was.Prefix, f.Prefix):
				im.refuse("aggregate %s lies in aggregate %s, which is there; take it out of the file", f.Prefix, was.Prefix)
			case !was.Assumed:
				im.refuse("aggregate %s lies around aggregate %s, which is there; make it smaller, or remove that one first", f.Prefix, was.Prefix)
			}
		}
	}
	for _, f := range im.file.Blocks {
		for _, was := range im.was.given {
			if !was.Assumed && was.Prefix.Overlaps(f.Prefix) && was.Prefix.Bits() > f.Prefix.Bits() {
				im.refuse("block %s is larger than aggregate %s, which is there; a block is cut from one aggregate", f.Prefix, was.Prefix)
			}
		}
	}
}

// checkBlocks keeps what leases stand on: the block, its site and its role; and
// what operators have added beside the file.
func (im *siteImport) checkBlocks() {
	for _, b := range im.was.blocks {
		if im.own(b) {
			im.checkOwnBlock(b)
			continue
		}
		for _, f := range im.file.Blocks {
			if f.Prefix.Overlaps(b.Prefix) {
				im.refuse("block %s overlaps block %s of %s; give one of them another prefix", f.Prefix, b.Prefix, whereOf(b))
			}
		}
	}
}

// own says whether a block is the file's to judge: what stands at its site, and
// an anycast block of no site that it names, too.
func (im *siteImport) own(b query.AllBlocksRow) bool {
	return b.Site == string(im.file.ID) || b.Site == "" && im.hasBlock(b.Prefix)
}

func whereOf(b query.AllBlocksRow) string {
	if b.Site == "" {
		return "no site (anycast)"
	}
	return "site " + b.Site
}

func (im *siteImport) checkOwnBlock(b query.AllBlocksRow) {
	i := slices.IndexFunc(im.file.Blocks, func(f sitefile.Block) bool { return f.Prefix == b.Prefix })
	switch {
	case b.Leases == 0:
	case i < 0 && b.Filed:
		im.refuse("block %s: leases stand on it (%d) and the file no longer has it; put it back, and add another block beside it if you need room", b.Prefix, b.Leases)
	case i < 0 && im.replaced(b.Prefix):
		im.refuse("block %s: leases stand on it (%d), and a block of the file overlaps it; name it in the file as it is", b.Prefix, b.Leases)
	case i >= 0 && string(im.file.Blocks[i].Role) != b.Role:
		im.refuse("block %s: leases stand on it (%d), so it cannot turn from %s to %s; add another block instead", b.Prefix, b.Leases, b.Role, im.file.Blocks[i].Role)
	}
}

// writeAggregates names what the file names.
func (im *siteImport) writeAggregates(ctx context.Context) error {
	for _, a := range im.file.Aggregates {
		var before facts
		i := slices.IndexFunc(im.was.given, func(was query.ListAggregatesRow) bool { return was.Prefix == a.Prefix })
		if i >= 0 {
			before = aggregateFacts(aggregateOf(im.was.given[i]), im.was.given[i].Assumed)
		}
		if !im.note("aggregate", a.Prefix.String(), before, aggregateFacts(a, false)) {
			continue
		}
		if err := addAggregate(ctx, im.q, a); err != nil {
			return err
		}
	}
	return nil
}

func aggregateFacts(a metal.Aggregate, assumed bool) facts {
	given := "-"
	if !a.Given.IsZero() {
		given = a.Given.Format(time.DateOnly)
	}
	return facts{"registry", a.Registry, "status", a.Status, "given", given, "note", a.Note, "assumed", assumed}
}

// writeBlocks adds blocks. An unused one that a new one covers makes way.
func (im *siteImport) writeBlocks(ctx context.Context) error {
	for _, b := range im.was.blocks {
		if b.Site != string(im.file.ID) || im.hasBlock(b.Prefix) || !im.replaced(b.Prefix) {
			continue
		}
		if err := im.q.DropBlock(ctx, b.Prefix); err != nil {
			return err
		}
	}
	for _, b := range im.file.Blocks {
		var before facts
		i := slices.IndexFunc(im.was.blocks, func(was query.AllBlocksRow) bool { return was.Prefix == b.Prefix })
		if i >= 0 {
			before = blockFacts(im.was.blocks[i].Role, im.was.blocks[i].Filed, b, im.was.blocks[i].Projects)
		}
		if !im.note("block", b.Prefix.String(), before, blockFacts(string(b.Role), true, b, projectNames(b.Projects))) {
			continue
		}
		if err := im.writeBlock(ctx, b, i >= 0); err != nil {
			return fmt.Errorf("block %s: %w", b.Prefix, err)
		}
	}
	return nil
}

// blockFacts leaves projects out where the file says nothing of them: whoever
// may take from a block then, still may.
func blockFacts(role string, filed bool, b sitefile.Block, projects []string) facts {
	f := facts{"role", role, "in the file", filed}
	if b.Projects == nil {
		return f
	}
	sorted := slices.Clone(projects)
	slices.Sort(sorted) // Postgres may sort by another alphabet
	return append(f, "projects", sorted)
}

func (im *siteImport) writeBlock(ctx context.Context, b sitefile.Block, known bool) error {
	site := string(im.file.ID)
	if b.Role == metal.Anycast {
		site = ""
	}
	if !known {
		if err := im.q.AddBlock(ctx, query.AddBlockParams{Prefix: b.Prefix, Site: site, Role: string(b.Role)}); err != nil {
			return err
		}
	}
	if err := im.q.FileBlock(ctx, query.FileBlockParams{Prefix: b.Prefix, Site: site, Role: string(b.Role)}); err != nil || b.Projects == nil {
		return err
	}
	there, err := im.q.BlockProjects(ctx, b.Prefix)
	if err != nil {
		return err
	}
	if err := im.q.DenyProjects(ctx, query.DenyProjectsParams{Block: b.Prefix, Projects: notNil(there)}); err != nil {
		return err
	}
	return im.q.AllowProjects(ctx, query.AllowProjectsParams{Block: b.Prefix, Projects: projectNames(b.Projects)})
}
