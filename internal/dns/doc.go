// Package dns drives name servers: it makes, changes and takes away the names
// of devices and addresses by dynamic updates (RFC 2136), signed by a TSIG key
// (RFC 8945), at the primary server of each zone.
//
// A name that it makes has a TXT record beside its addresses or its PTR, which
// says whose it is: "heritage=millwright,device=<id>". The zone itself is the
// memory of what is ours: every update has as its prerequisite that all is
// still as it was read, that record included. So nothing is overwritten that
// somebody made by hand, an owner finds its names again, and what is left of
// an earlier run takes nothing from the next owner. Names that are ours and
// whose owner is gone are found with Owned, a zone transfer.
//
// All is asked over TCP, in one connection for each call: no answer is cut
// short, nobody else can slip one in, and no update arrives twice. All is
// signed, the questions too, because a server may show each key another view,
// and an answer counts if the server signed it. A write counts when it was read
// back from that server.
//
// Errors are weather unless they wrap one of metal's sentinels:
// ErrBadCredentials, ErrBadZone, ErrNameTaken, ErrInvalidName. They name the
// server, the zone and the name, and never the key's secret.
//
// It imports metal and a library that packs DNS messages. It knows no
// Temporal, no database, no activity and no other driver. Who may have which
// name, and a PTR for which address, is for its callers to know.
package dns
