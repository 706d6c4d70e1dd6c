// Package activities says how one step of a run is done: one verb per method,
// one noun per struct.
//
// The contract, which tests hold every method to:
//
//  1. It may run twice, may run beside a timed-out ghost of itself, and may
//     take effect without being heard. So it reads, compares, writes and reads
//     back; or it is one transaction.
//  2. It takes names and fetches secrets itself. No credential, script, image
//     or device configuration stands in an input or a result.
//  3. It honours its context all the way to the socket.
//  4. It heartbeats while it waits, and remembers nothing in heartbeats: a
//     verb with memory is two verbs (a power cycle is PowerOff and PowerOn).
//  5. It names the claim it was given. A claim that is no longer held changes
//     nothing: the answer is StaleClaim.
//
// Waiting for the outside world is the workflows' work. This package imports
// metal, Temporal's activity packages, and no driver: each file names the small
// interface that a driver or a store satisfies, and only a main knows which.
package activities
