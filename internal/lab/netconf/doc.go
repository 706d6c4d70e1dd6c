// Package netconf is a switch of the lab: it speaks NETCONF over SSH on a real
// socket, keeps a running and a candidate configuration, and behaves as Junos
// does where that matters to a driver: locks, confirmed commits with their
// rollback, errors inside replies, hardware that has no room for a filter and
// does not say so, and faults on demand. Whom it hears by LLDP and how its BGP
// stands is what it was told.
//
// It forwards no packets. The lab's relay and data plane ask Port what the
// running configuration says and act on it, so that a port reaches only what
// was really committed.
//
// It must not import a driver: what the two agree on is the protocol alone, or
// a mistake made in both would prove itself right. It knows neither Temporal
// nor Postgres.
package netconf
