// Package netrack builds a rack out of Linux namespaces: a switch that runs
// FRR and is reached over SSH, machines on its ports, boot services behind it,
// and an outside that it routes to. All of it is software that we did not
// write, so what a driver claims to have configured can be pinged.
//
// A node is one process that holds a network, mount, process and host name
// namespace; they have no names outside and end with it, so a test that dies
// leaves nothing behind. Interface names and addresses repeat from rack to rack
// and never meet. The one thing that is seen from outside is the switch's SSH
// on a port of 127.0.0.1, where each connection gets an sshd of its own, as
// Debian's ssh.socket does it.
//
// It needs root and Debian's frr, openssh-server, bird2, iproute2 and
// util-linux, and it says what it misses. It must not import a driver,
// activities or workflows: it is the world that they are tried on.
package netrack
