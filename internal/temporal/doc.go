// Package temporal connects a program of Millwright to Temporal: it dials,
// asks whether a run is open, brings it a machine's report, and registers what
// the server must know before the first run.
//
// It knows the names that workflows publish, so it stands beside the mains
// and above workflows: only a main imports it. It must import no driver and no
// store.
package temporal
