// Package firstboot writes what an installed system is told before it first
// runs: who it is, its addresses, its keys, and how to phone home; in the form
// that the system reads, cloud-init's or Ignition's.
//
// It is pure: the same machine gives the same bytes. It opens no file and no
// socket, and must not import a store, a driver or anything of Temporal. How
// the files reach the disk is the agent's.
package firstboot
