// Package api speaks the Packet API, /metal/v1, so that Terraform, packngo,
// metal-cli and the Kubernetes providers work against racks of one's own.
//
// routes.go lists all that can be asked: method, path, what it is done to, what
// goes in and comes out. serve.go takes a request through the same steps
// whatever it asks: who is it, whose is the thing, may they, was it done before,
// do it, record it. A file for each noun has the wire's form of it and its
// handlers, with the small interface of the store that they need.
//
// The package imports metal, access, what parses SSH keys and makes UUIDs, and
// the standard library's HTTP. It knows neither Postgres nor Temporal: the
// starter hands it both behind interfaces.
package api
