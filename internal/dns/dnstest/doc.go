// Package dnstest starts a real name server for tests: Debian's named, from
// the package bind9, on a port of its own on the loopback, with zones that one
// key may update; dig and nsupdate, from bind9-dnsutils, look at it and edit
// by hand. Tests fail where these programs are missing.
//
// It is imported by tests alone. It imports metal, so that a zone of the
// server can be handed to what is tested, and not the driver.
package dnstest
