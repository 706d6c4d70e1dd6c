// Package lab is a data centre in one process: the switches, BMCs and machines
// of a site file, on real sockets within 127.0.0.0/8, with faults on demand.
//
// Start runs one; its HTTP API and its methods show what every part is doing
// and make parts fail. Generate writes a site file for a lab of any size, and
// Image the bytes of its operating systems; both depend on names alone, so that
// a lab which was restarted is still the one that was described.
//
// The package joins the simulators. It must import no driver, store or service
// of Millwright: those meet the lab over its sockets, as they meet hardware.
package lab
