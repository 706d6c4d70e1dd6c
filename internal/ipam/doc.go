// Package ipam thinks about address space: what of it is in use, what a block
// looks like, what a registry wants to hear, what an import would add, and
// whether an ask makes sense. It works on a Snapshot, which whoever has a
// database fills, and it changes nothing.
//
//	Snapshot ─▶ Picture   a block's map, as SVG or for a terminal
//	         ─▶ Uses      how full aggregates, blocks, roles, sites, projects are
//	         ─▶ Given     assignments, as RIPE and ARIN ask for them
//	         ─▶ Export…   the same space as CSV, or as NetBox imports it
//	Read…    ─▶ Plan ─▶ Against a Snapshot: what is missing there, or every conflict
//
// Giving addresses out is not done here: that is one transaction in Postgres.
//
// The package imports the standard library and the nouns. It must import no
// database, no driver, and nothing that reads the environment or a clock.
package ipam
