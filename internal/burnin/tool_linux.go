package burnin

import "syscall"

// alone puts a tool into a process group of its own, which ends with our thread.
func alone() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func endGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }
