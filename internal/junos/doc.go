// Package junos brings the ports of a Junos switch to what is intended, over
// NETCONF, and reads them back.
//
// What a port should be is rendered by pure functions into a handful of
// pieces: keyed subtrees of the configuration that belong to that port alone.
// A commit replaces those that differ, whole, so that leftovers die and
// applying twice is applying once; everything else on the switch stays as
// others configured it. Theirs are, too, what a port needs and does not own:
// the addresses on lo0 at which BGP listens, the number of aggregated devices,
// LLDP.
//
// Files: render, check, interface, bundle, filter, route, bgp and those beside
// them say what should be; apply, load, activate and settle bring it about;
// drift and state read what is; session, operations and transport speak to the
// switch.
//
// It must not import Temporal, activities or another driver: it knows metal's
// nouns and one protocol.
package junos
