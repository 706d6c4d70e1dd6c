// Package burnin tests a machine under load before its first tenant: its
// processors, memory, disks and network, each for as long as its plan says, one
// after the other. The load is made by tools that others keep, stress-ng and
// fio; here they are started, bounded, ended, and their words taken apart.
//
//	results := burnin.Run(ctx, burnin.Config{…}, want, tell)
//
// It writes to every disk that it is given, from the first byte to the last, and
// asks nobody: whoever calls it has the job that allows that.
//
// A test passes where the tool says so, in the JSON or YAML that it writes for
// programs, and the kernel and the hardware have nothing to add: errors that
// the memory controller counted (EDAC), machine checks, and frames that a
// network card dropped for their checksum. A tool that is not there, or whose
// words are not understood, is a test that did not pass.
//
// It knows sysfs, procfs, the kernel's log and the two tools. It imports package
// metal, and must not import another driver, the agent, Temporal or activities:
// disks and the other end of the network are given to it.
package burnin
