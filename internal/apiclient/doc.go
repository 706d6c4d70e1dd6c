// Package apiclient asks the customers' API over HTTP, as the command line
// does. It is as small as that needs: who writes programs has packngo and
// equinix-sdk-go, which speak the same API.
//
// It imports the standard library and uuid alone. It knows the API's wire and
// nothing behind it: neither the server's package, nor metal, nor Postgres.
package apiclient
