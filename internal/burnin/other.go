//go:build !linux

package burnin

import (
	"errors"
	"syscall"
)

// The agent runs in a Linux of its own. Elsewhere this builds, so that a laptop
// can vet it, and starts nothing.
var errLinuxOnly = errors.New("machines are tested under load on Linux only")

func alone() *syscall.SysProcAttr { return nil }

func endGroup(int) error { return errLinuxOnly }

type kernelLog struct{}

func openKernelLog(string) (*kernelLog, error) { return nil, errLinuxOnly }

func (*kernelLog) lines() []string { return nil }

func (*kernelLog) close() {}
