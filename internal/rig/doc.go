// Package rig runs a whole Millwright on one machine: a stack (Postgres,
// Temporal), a lab in this process, and our programs as processes of their own,
// which can be killed. The demo, the end-to-end tests and the benchmarks stand
// on it. Nothing in it is special to them: the programs are started with the
// flags that an operator would give.
//
// It imports internal/stack, internal/lab and what it takes to write a site
// file; no program and no test imports anything it could not import itself.
package rig
