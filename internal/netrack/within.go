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
		runtime.LockOSThread() // for good: the thread ends with this goroutine, and nobody inherits its namespace
		done <- n.within(f)
	}()
	return <-done
}

func (n *Node) within(f func() error) error {
	namespace, err := os.Open("/proc/" + n.pid() + "/ns/net")
	if err != nil {
		return fmt.Errorf("node %s: open its network namespace: %w", n.Name, err)
	}
	defer func() { _ = namespace.Close() }()
	if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("node %s: enter its network namespace (needs root): %w", n.Name, err)
	}
	return f()
}
