// Package metal holds the nouns of Millwright: sites, switches, ports,
// machines, devices, addresses, and what is intended of each.
//
// It imports nothing but the standard library, and everything else may import
// it. Drivers translate between these nouns and one protocol; activities pass
// them from one driver to another; workflows carry them by name.
package metal
