package netrack

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Within calls f on a thread that is in the node's network namespace. A socket
// or a tap device that f opens stays in that network, whoever uses it later;
// what f starts in other goroutines is not in it.
func (n *Node) Within(f func() error) error {
	done := make(chan error, 1)
	go func() {
		// The thread goes back to where it was. One that ended instead would take
		// along whatever it had forked: children that die with their parent die
		// with the thread that made them (prctl(2), PR_SET_PDEATHSIG).
		runtime.LockOSThread()
		back, err := n.within(f)
		if back {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// within says whether the thread is back in its own namespace.
func (n *Node) within(f func() error) (back bool, err error) {
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return true, fmt.Errorf("node %s: open our own network namespace: %w", n.Name, err)
	}
	defer func() { _ = own.Close() }()
	theirs, err := os.Open(n.NetworkNamespace())
	if err != nil {
		return true, fmt.Errorf("node %s: open its network namespace: %w", n.Name, err)
	}
	defer func() { _ = theirs.Close() }()
	if err := unix.Setns(int(theirs.Fd()), unix.CLONE_NEWNET); err != nil {
		return true, fmt.Errorf("node %s: enter its network namespace (needs root): %w", n.Name, err)
	}
	err = f()
	return unix.Setns(int(own.Fd()), unix.CLONE_NEWNET) == nil, err
}

// NetworkNamespace is the path of the node's network namespace, for programs
// that enter one by themselves. It is gone with the node.
func (n *Node) NetworkNamespace() string { return "/proc/" + n.pid() + "/ns/net" }
