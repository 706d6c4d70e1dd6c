// Package dhcp gives each machine the address of its install link and the
// name of the program that its firmware boots next.
//
// It answers relayed DHCPv4 and nothing else. A machine is known by the switch
// port that the relay names in option 82, and by its MAC only where no port is
// named: a swapped NIC keeps its identity, and mis-cabling shows. The answer
// is a pure function of the request and of what memory holds, so two servers
// with one configuration answer alike and neither keeps leases.
//
// It knows the DHCP protocol and the nouns of package metal. It must not
// import a store, HTTP, TFTP or metrics: a main joins those to it.
package dhcp
