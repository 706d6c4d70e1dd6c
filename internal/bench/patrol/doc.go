// Command patrol measures one round through a large site: a worker reads every
// BMC of it once, judges what they say, and keeps it. The BMCs are the lab's, in
// a process of their own; Postgres, with its default durability, and Temporal are
// real. Its last line is one JSON object.
//
// One BMC of ten was learnt to be slow, and one declares that it is: the round
// must spare them while it hurries. The BMCs count what they were asked, so that
// what the worker believes of itself decides nothing.
//
// It imports the stack, the lab's words, the store, and the names of runs. What
// it measures runs as programs: it imports neither drivers nor activities.
package main
