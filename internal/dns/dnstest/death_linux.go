package dnstest

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel end the process when the thread that started it
// ends: a test that is killed leaves no server behind.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
