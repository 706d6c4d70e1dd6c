// Package stack starts a real PostgreSQL and a real Temporal on it, for the
// demo, the tests and the bench: Debian's Postgres, the Temporal server that
// the Makefile builds into bin/, and its web UI.
//
// Everything listens on 127.0.0.1 alone. Every part can be killed, frozen and
// started again, because promise 1 (kill any process, at any moment) has to be
// tried on the parts that we did not write, too. What is started here ends
// with its starter, however that ends: see spawn and janitor.
//
// It registers no namespace and no search attribute and creates no table of
// ours: that is the work of the production command, which is to be tested too.
// It must not import workflows, activities, or any driver: it knows Postgres
// and Temporal as programs only.
package stack
