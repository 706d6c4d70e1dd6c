// Package ipmitest gives tests a BMC that somebody else wrote: Debian's
// ipmi_sim, with a serial console behind which a test plays the machine.
//
// It is for tests only. It imports metal, and never a driver: several are
// tested against it.
package ipmitest
