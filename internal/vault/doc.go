// Package vault seals credentials for the database, with keys that are in a
// file and never in the database. It makes passwords for BMCs, and changes them
// so that whatever crashes in between, one that opens the BMC is on record.
//
// The keys are a keyset of Tink's: the newest one seals, and every older one
// still opens. What is sealed names its key, and opens for the one credential
// that it was sealed for: a row that is copied to another machine opens nothing.
//
// The package imports metal, Tink and the standard library. It must not import a
// store, a driver or Temporal: rows come through interfaces. No error of its own
// holds a password, a key, or what Tink's parsers say, which may quote both.
package vault
