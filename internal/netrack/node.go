package netrack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Node is a computer of the rack.
type Node struct {
	Name   string
	dir    string // its files, which it sees under the same path
	anchor *exec.Cmd
}

// private are the directories that a node does not share with the machine it
// runs on: where daemons keep sockets and state, and FRR its configuration.
// Where the machine lacks one, its programs do not use it.
const private = `set -e
mount --make-rprivate /
mount -t proc proc /proc
for d in /run /var/lib /var/log /etc/frr; do [ ! -d $d ] || mount -t tmpfs -o mode=755 tmpfs $d; done
hostname "$1"
ip link set lo up
echo ready
exec sleep infinity`

// startNode makes the namespaces. They end with the process that holds them,
// and it ends with us.
func startNode(name, dir string) (*Node, error) {
	n := &Node{Name: name, dir: filepath.Join(dir, name)}
	if err := os.Mkdir(n.dir, 0o755); err != nil {
		return nil, err
	}
	n.anchor = exec.Command("sh", "-c", private, "sh", name)
	n.anchor.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
	}
	var words strings.Builder
	n.anchor.Stderr = &words
	out, err := n.anchor.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.anchor.Start(); err != nil {
		return nil, fmt.Errorf("node %s: make namespaces (needs root): %w", name, err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		n.stop()
		return nil, fmt.Errorf("node %s: prepare namespaces: %w: %s", name, err, words.String())
	}
	return n, nil
}

// stop ends everything that runs in the node.
func (n *Node) stop() {
	_ = n.anchor.Process.Kill()
	_ = n.anchor.Wait()
}

// pid is the process that holds the node's namespaces, as seen from outside.
func (n *Node) pid() string { return strconv.Itoa(n.anchor.Process.Pid) }

// Command is a program to be run in the node. What it starts in the background
// lives as long as the node.
func (n *Node) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	enter := []string{"--target", n.pid(), "--net", "--mount", "--pid", "--uts", "--", program}
	c := exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
	c.Dir = "/"
	return c
}

// Run runs a program in the node and gives what it wrote.
func (n *Node) Run(ctx context.Context, program string, args ...string) (string, error) {
	return n.output(ctx, nil, program, args...)
}

// Shell runs a script in the node and gives what it wrote.
func (n *Node) Shell(ctx context.Context, script string) (string, error) {
	return n.output(ctx, strings.NewReader(script), "sh", "-e")
}

func (n *Node) output(ctx context.Context, in io.Reader, program string, args ...string) (string, error) {
	c := n.Command(ctx, program, args...)
	c.Stdin = in
	// A daemon keeps whatever it inherits: a pipe would never end.
	out, err := os.CreateTemp(n.dir, "output")
	if err != nil {
		return "", err
	}
	defer func() { _ = out.Close(); _ = os.Remove(out.Name()) }()
	c.Stdout, c.Stderr = out, out
	failed := c.Run()
	written, err := os.ReadFile(out.Name())
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(written))
	if failed != nil {
		return text, fmt.Errorf("on %s: %s: %w: %s", n.Name, strings.Join(c.Args[8:], " "), failed, text)
	}
	return text, nil
}

// file writes one of the node's files and gives its path.
func (n *Node) file(name, content string) (string, error) {
	path := filepath.Join(n.dir, name)
	return path, os.WriteFile(path, []byte(content), 0o644)
}

// plug connects an interface of one node with one of another.
func plug(ctx context.Context, a *Node, ifA string, b *Node, ifB string) error {
	words, err := exec.CommandContext(ctx, "ip", "link", "add", "name", ifA, "netns", a.pid(),
		"type", "veth", "peer", "name", ifB, "netns", b.pid()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("connect %s %s with %s %s: %w: %s", a.Name, ifA, b.Name, ifB, err, words)
	}
	return nil
}
