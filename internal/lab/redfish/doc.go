// Package redfish is a simulated BMC: it speaks as much Redfish over HTTPS as
// a client needs to log in, to read and set a machine's power, and to choose
// what it boots next. Behind it stands a Chassis, whatever that may be: a
// process, a virtual machine, or a test's own notes.
//
// It is strict where real BMCs are strict (sessions are few, switching on what
// is on is refused, unknown properties are refused), and it fails on demand in
// the ways in which real BMCs fail; see Faults.
//
// It imports metal and the standard library, and never a driver: the driver is
// tested against it, and what both shared would be tested by nothing.
package redfish
