// Package release knows the release before this one: where it stands in the
// repository, and how its sources and programs are had, so that tests can run
// it beside this one.
//
// The file previous names it; docs/releasing.md says when that changes. The
// package knows git and the Go tool, and must import nothing else of
// Millwright. No program of ours imports it.
package release
