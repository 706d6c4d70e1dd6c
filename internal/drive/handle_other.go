//go:build !linux

package drive

import "errors"

// The agent runs in a Linux of its own. Elsewhere it builds, so that a laptop
// can vet it, and touches no disk.
var errLinuxOnly = errors.New("disks are erased on Linux only")

func openDisk(string) (handle, error)  { return nil, errLinuxOnly }
func openToAsk(string) (handle, error) { return nil, errLinuxOnly }
