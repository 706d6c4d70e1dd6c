// Package rescue lets a tenant into a machine whose own system stays on its
// disks, untouched: an SSH server for root with the tenant's keys, and the
// device's addresses on the link that the machine booted from.
//
// The host key is made for each boot and never written anywhere; its
// fingerprint is the agent's word, and reaches the tenant over the API. There
// are shells and commands, with a terminal or without; there is no forwarding,
// no file transfer of its own and no password.
//
// It imports package metal and libraries for SSH, terminals and links, and must
// not import package agent, a driver or the boot service.
package rescue
