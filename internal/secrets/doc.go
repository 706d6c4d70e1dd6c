// Package secrets reads credentials from a folder of files, one to a name: the
// user on the first line, the password on the second.
//
// Site files, rows and histories carry the names alone; a driver asks for what
// is behind one at the moment it opens a session, so a changed password needs
// no restart. The package imports metal and the standard library, and must not
// import a driver, a store or Temporal. It never prints a password.
package secrets
