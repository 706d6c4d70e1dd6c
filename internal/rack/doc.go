// Package rack is a rack of real parts on one machine, and the life of a device
// on it: QEMU machines with a BIOS or UEFI, each with ipmi_sim as its BMC, on
// the ports of a Linux switch that runs FRR and relays DHCP, installed by our
// programs as processes. Nobody here wrote what is on the other side of a
// driver, so what it shows is what an operator would see.
//
// Namespaces lie as cables do in a data centre: machines reach the boot
// services by their port and no other way, tenants come from the outside and
// are routed, and only the worker has the management network, where the BMCs
// and the switch's SSH are.
//
// "lab rack" is its command and "make rack" calls that. It stands on rig,
// netrack and qemu. It must not import a driver, activities or the store's
// queries: it is met as tenants and operators meet Millwright.
package rack
