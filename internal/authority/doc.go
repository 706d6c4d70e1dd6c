// Package authority lets Millwright answer under a name that clients have built
// in, such as api.equinix.com: a private certificate authority that can sign for
// such names and no others, the server's certificate, kept fresh while the
// server runs, and a proxy that leads to this server and nowhere else.
//
//	make:   DIR/ca.pem, ca.key, server.pem, server.key    (starter ca make)
//	files:  a certificate that is read again when its file has changed
//	proxy:  CONNECT api.equinix.com:443 -> the same server, without a detour
//
// The package imports the standard library alone. It knows neither the API nor
// the command line.
package authority
