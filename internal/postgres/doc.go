// Package postgres keeps what Millwright owns and intends. Every method that
// changes something is one transaction, says in its comment why it may run
// twice, and names the claim under which it writes.
//
// It satisfies the small interfaces that activities, boot and starter name. It
// imports metal, the generated queries, pgx, and sitefile and ipam for what is
// imported and counted; never Temporal, never a driver.
package postgres
