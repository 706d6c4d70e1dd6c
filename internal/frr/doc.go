// Package frr brings the ports of a Linux switch that runs FRR to what is
// intended, over SSH, and reads them back. It needs there: a login as root
// with a POSIX shell, iproute2, nftables, util-linux, coreutils, and FRR's
// zebra, staticd and bgpd; lldpd where neighbours are asked for. Forwarding is
// turned on by the switch's operators.
//
// What a port should be is rendered into lines: addresses, rules, routes,
// neighbours. What it is, is read into the same lines from the kernel and from
// FRR, so that a difference is a plan, a drift and a proof alike. Rules are
// compared as the switch's own nft prints them: the intended ones are loaded
// into a network namespace that lives as long as the question.
//
// Millwright's are: all addresses, the alias, and up or down, of the
// interfaces that it is given; the nftables table "inet millwright", which is
// replaced whole in one transaction; static routes by way of such an
// interface; BGP neighbours described "millwright <port>" or speaking from such
// an interface's links; prefix lists and a route map named "millwright-…". All
// else is the operators', and stays: uplinks, the bundles themselves, the DHCP
// relay, what BGP tells other switches. Ports share the addresses on the
// loopback, the list of what machines are told, and that route map; those are
// added where missing and never taken away.
//
// FRR gets the commands that lead from what is to what should be, by "vtysh
// -f", and not a whole configuration by frr-reload.py: that one takes a second
// where a move of one route takes milliseconds, undoes what an operator typed
// meanwhile, and writes the commands, keys included, to its log.
//
// A change is one session of one shell, fed by its standard input. The shell
// holds a lock and all that it starts inherits that, so nobody else changes the
// switch before the last of it ended, however the session did. Before anything
// changes, the way back is written down on the switch and a watchdog started
// there which takes it, unless the change was read back and confirmed in time.
// What is left of a change whose session and watchdog died is taken back by
// whoever has the lock next.
//
// FRR's running configuration is not saved: it may hold what an operator is
// only trying. A switch that starts again has none of the ports' addresses and
// routes until the next Apply; Drift shows it. The filters of the last change
// are kept in filters.nft beside the lock, to be included by
// /etc/nftables.conf, so that its ports come back closed.
//
// It must not import Temporal, activities or another driver: it knows metal's
// nouns, and SSH.
package frr
