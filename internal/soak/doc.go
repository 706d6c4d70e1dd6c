// Command soak presses a month into half an hour: devices come and go through
// the customers' API, machines are patrolled, switches compared, webhooks
// posted, leases renewed, and what is old is forgotten, all at one small site
// with the real programs. It samples what each program holds (goroutines,
// memory, files, connections, rows) and tells at the end what grows.
//
// What it judges is the trend over the last two thirds: a level may be high,
// but it must not rise. It imports internal/rig and what that stands on; no
// program imports it.
package main
