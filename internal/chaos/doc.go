// Command chaos runs a whole Millwright under load, breaks whatever it can
// break of it, and then counts: every order has its outcome, nothing is open,
// nothing is left, nothing is had or paid for twice. docs/chaos.md says what it
// does and how to read what it prints; the last line is one JSON object.
//
// A seed decides what is ordered and what is broken, when and for how long. It
// does not decide how fast two cores are: the schedule of a seed is the same
// each time, what it meets is not.
//
// It looks at the system from outside: at its tables with queries of its own, at
// the lab's switches and machines, and at Temporal. It imports no activity and
// no driver, and the workflows for their names alone.
package main
