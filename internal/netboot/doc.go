// Package netboot writes the iPXE scripts that tell a machine what to boot.
//
// Each script is a pure function of its arguments. A script that names the
// agent carries a token, so it is never cached, logged or written twice the
// same. The package imports nothing but the nouns of package metal.
package netboot
