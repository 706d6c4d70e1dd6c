// Package sitefile reads and writes the description of a site: one YAML file
// that says which blocks, plans, systems, switches and machines are there.
//
// Parse reports everything that is wrong in one go, each with its line and with
// what to do about it, because a site file is written by hand, by somebody who
// stands in front of a rack. What it returns needs no further checking.
//
// The package imports the nouns and a YAML parser. It must import no database
// and no driver: who stores a site, and who builds one in a lab, import it.
package sitefile
