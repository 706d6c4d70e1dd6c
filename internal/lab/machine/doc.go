// Package machine is a simulated physical server: firmware that boots from the
// network or from a disk, disks that keep what is written to them, a RAM system
// in which the real agent runs, and an installed system that phones home.
//
// Everything it says goes over real sockets from its own address: DHCP through
// its port's relay, HTTP to the boot services. Its BMC is its chassis's user:
// power on and off arrive from there, at any moment, and stop whatever runs.
//
// The disks take real images, block by block. A rescue is said and not done: the
// host key that is reported is of nobody, and no port is open.
//
// What its agent finds in it is as its Hardware says, but for what faults make
// of that; a burn-in takes no time.
//
// The package imports the nouns, the agent, the images, certificates and
// inventories that an agent deals with, and the names of its kernel arguments. It must not import a
// switch, a BMC or a site file: a machine knows its cable (Wire) and nothing
// behind it.
package machine
