//go:build !linux

package dnstest

import "os/exec"

// dieWithParent is Linux's alone: elsewhere a killed test leaves its server.
func dieWithParent(*exec.Cmd) {}
