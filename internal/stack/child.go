package stack

import (
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
)

// child is one started process, from its start until it has been waited for.
type child struct {
	cmd   *exec.Cmd
	log   int64         // where its part's log begins to be its own
	asked atomic.Bool   // somebody of ours wanted its end
	done  chan struct{} // closed once it has ended
}

// spawn starts a process that the kernel ends when we end: on Linux it gets
// the signal death even if we are killed with -9.
//
// That signal (PR_SET_PDEATHSIG) is sent when the *thread* that forked ends,
// not the process, and the Go runtime ends a thread whenever a goroutine
// returns that is locked to it. Hence each child has a thread of its own,
// which does nothing but fork it and wait for it.
func spawn(cmd *exec.Cmd, death syscall.Signal) (*child, error) {
	c := &child{cmd: cmd, done: make(chan struct{})}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// A group of its own: Ctrl-C in a terminal is for us, and we end our
	// children in an order that suits them.
	cmd.SysProcAttr.Setpgid = true
	dieWithParent(cmd.SysProcAttr, death)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended stands in ProcessState
			close(c.done)
		}
	}()
	return c, <-started
}

// signal sends sig to the process and to all that it has forked, and returns
// their pids. Postgres puts each of its processes into a session of its own,
// so there is no group to signal; it is held still while they are counted, so
// that none is missed.
func (c *child) signal(sig syscall.Signal) []int {
	pid := c.cmd.Process.Pid
	c.send(syscall.SIGSTOP)
	all := descendants(pid)
	for _, pid := range all {
		_ = syscall.Kill(pid, sig) // it may have ended by itself
	}
	if sig != syscall.SIGSTOP {
		c.send(sig)
	}
	return append(all, pid)
}

// send signals the process alone. os.Process refuses a process that has been
// waited for, so the signal cannot hit a stranger with a recycled pid.
func (c *child) send(sig os.Signal) { _ = c.cmd.Process.Signal(sig) }

// kill ends the process and all that it has forked, as a power cut would, and
// returns when they are gone.
func (c *child) kill() {
	c.asked.Store(true)
	all := c.signal(syscall.SIGKILL)
	<-c.done
	awaitGone(all)
}

func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}
