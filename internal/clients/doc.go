// Package clients has nothing but tests: programs of others that were written
// for the Packet API, at work on a whole Millwright. packngo and equinix-sdk-go
// are called as their users call them; Terraform runs its provider; the command
// line is ours.
//
// All of them share one rig: eight machines of a lab, with real starter, worker,
// boot and Temporal. Tests import the clients and the rig, and reach into
// neither Postgres nor Temporal.
package clients
