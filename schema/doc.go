// Package schema embeds Millwright's migrations. All SQL stands in this
// folder: numbered migrations here, forward only, each in a transaction of its
// own; queries in queries/, which sqlc turns into package
// internal/postgres/query (`make generate`).
//
// A migration says beside each constraint which promise it keeps. The database
// is the last word on who holds what: whatever the code does, no machine,
// port or address has two holders.
package schema

import "embed"

// Migrations holds the numbered files, in the order of their names.
//
//go:embed *.sql
var Migrations embed.FS
