// Package junos brings the ports of a Junos switch to what is intended, over
// NETCONF, and reads them back.
//
// What a port should be is rendered by pure functions into a handful of
// pieces: keyed subtrees of the configuration that belong to that port alone.
// A commit replaces those that differ, whole, so that leftovers die and
// applying twice is applying once; everything else on the switch stays as
// others configured it.
//
// It must not import Temporal, activities or another driver: it knows metal's
// nouns and one protocol.
package junos
