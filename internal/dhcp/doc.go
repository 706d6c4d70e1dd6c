// Package dhcp gives each machine the address of its install link and the
// name of the program that its firmware boots next, over IPv4 and IPv6.
//
// It answers relayed requests and nothing else. A machine is known by the switch
// port that the relay names in option 82, and by its MAC only where no port is
// named: a swapped NIC keeps its identity, and mis-cabling shows. Where the relay
// names an interface without its switch, and in DHCPv6, the link that the relay's
// own address belongs to says which switch it is. The answer is a pure function
// of the request and of what memory holds, so two servers with one configuration
// answer alike and neither keeps leases.
//
// What others paid for, and why it does not happen here:
//
//   - iPXE that loads itself for ever: its user class goes before the class and
//     architecture that it repeats of its firmware, so it always gets the script.
//   - ROMs that omit the GUID (option 97) or option 93: identifiers come back only
//     if they came, and a PXE client without an architecture is a PC BIOS.
//   - A 404 that ends a boot chain: strangers alone get one, and no answer to
//     their DHCP before it; a machine that memory does not have yet is told to
//     wait and ask again.
//   - /31 links: the switch has the even address. iPXE of before 2024 takes the odd
//     one for a broadcast where it is a switch's.
//   - Rogue servers and relays: a machine's port drops what it sends from UDP 67,
//     and an answer goes to the switch's end of the machine's own link.
//   - 13 s of silence before iPXE's first request: it waits for a router
//     advertisement where the link has none. Ports advertise where the site says so.
//   - Bundles: firmware speaks no LACP. The switch has to pass one member's frames
//     while no LACP is heard (Junos: force-up); the relay then names the bundle's
//     interface, and the machine's port has to be that.
//
// It knows the DHCP protocol and the nouns of package metal. It must not
// import a store, HTTP, TFTP or metrics: a main joins those to it.
package dhcp
