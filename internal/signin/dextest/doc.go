// Package dextest starts dex, a sign-in provider that we did not write, for
// tests, and fills its form in as a browser does. bin/dex has to be built.
//
// It imports the standard library and what tests use; no part of Millwright.
package dextest
