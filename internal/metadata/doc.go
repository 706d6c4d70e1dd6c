// Package metadata tells an installed system what it is: the metadata service
// of the Packet API, its user data, and an EC2-style tree of the same facts.
//
// The caller is known by its source address, which the filter on its port
// makes unforgeable. The package speaks HTTP and knows the nouns of package
// metal; it must not import a store: it asks whoever knows the machines.
package metadata
