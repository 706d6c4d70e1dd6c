// Boot is what a site serves to its machines: DHCP, TFTP and HTTP boot, the
// agent's jobs, images, metadata, and the ear for what machines report.
//
// It answers from memory, which Postgres feeds, and goes on answering while
// Postgres or Temporal is away. What it never does from memory is hand out a
// job that destroys: that takes a row read at that moment, for this boot. What
// a machine reports is recorded first and signalled second; a report that
// could not be signalled is sent again.
//
// Only wire.go knows who stands behind the interfaces.
package main
