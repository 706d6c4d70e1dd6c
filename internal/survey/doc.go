// Package survey holds the world against records that are older than it: after
// a restore, what switches carry and what BMCs say, machine by machine. It
// decides what agrees, what a person must see, and what cannot be told yet; it
// changes nothing. The rule of all of it: what is on switches and machines wins
// or is called out, and nothing that somebody may have is given to another.
//
// It imports internal/metal alone: no store, no driver, nothing of Temporal.
package survey
