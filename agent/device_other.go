//go:build !linux

package main

import "errors"

// The agent runs in a Linux of its own. Elsewhere it builds, so that a laptop
// can vet it, and proves nothing about a disk.
var errLinuxOnly = errors.New("the agent works on Linux only")

func (d disk) discard() error    { return errLinuxOnly }
func (d disk) forget() error     { return errLinuxOnly }
func (d disk) rereadPartitions() {}
