// Package ramdisk builds what a machine boots to run the agent: a kernel and
// an initrd, from the packages of a distribution, without root. In it are the
// agent as /init, the modules of servers' hardware, and the few foreign
// programs that the agent's steps run, with their libraries. The large ones that
// test a machine under load lie in a file beside it, which the agent loads where
// it is told to: an install does not wait for them.
//
// Debian is asked through apt, which checks its signatures, with a state of
// its own: the machine that builds is not changed, and may be of another
// release. Packages are kept, so a second build is offline. Equal packages and
// an equal agent give equal bytes.
//
// It imports no other package of ours; what the files do once they boot is
// package ramsystem's.
package ramdisk
