// Starter is how people and systems order devices: a command line, and a JSON
// endpoint for the billing system.
//
// It writes what is wanted to Postgres, starts the Order that sees to it, and
// answers. It does no work of its own: if Temporal is away, the row stands, and
// reconcile starts what was lost. It speaks to no switch, BMC or machine, and
// must import no driver.
package main
