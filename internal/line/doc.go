// Package line is TCP that goes wrong when told: a Listener whose clients are
// cut off, refused, left without an answer or served slowly, and a Line that
// leads such clients on to somebody else's address. The lab listens on it, and
// chaos puts it between programs that know nothing of it.
//
// What it does is what a client can see of a network. It imports the standard
// library alone, and knows no protocol.
package line
