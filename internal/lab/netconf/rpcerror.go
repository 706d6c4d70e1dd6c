package netconf

import (
	"fmt"
	"strings"
	"time"
)

// rpcError is what RFC 6241 section 4.3 calls one, in the words of Junos.
type rpcError struct {
	tag     string
	path    string
	message string
	info    []*node
}

// node is the error as it stands in a reply.
func (e *rpcError) node() *node {
	n := branch("rpc-error",
		leaf("error-type", "protocol"),
		leaf("error-tag", e.tag),
		leaf("error-severity", "error"))
	if e.path != "" {
		n.children = append(n.children, leaf("error-path", e.path))
	}
	n.children = append(n.children, leaf("error-message", e.message))
	if len(e.info) > 0 {
		n.children = append(n.children, branch("error-info", e.info...))
	}
	return n
}

func dataExists(c *node) *rpcError {
	return &rpcError{tag: "data-exists", message: "statement already exists: " + named(c)}
}

func dataMissing(c *node) *rpcError {
	return &rpcError{tag: "data-missing", message: "statement not found: " + named(c)}
}

func badOperation(c *node, operation string) *rpcError {
	return &rpcError{
		tag:     "bad-attribute",
		message: fmt.Sprintf("operation %q of %s", operation, named(c)),
		info:    []*node{leaf("bad-attribute", "operation"), leaf("bad-element", c.name)},
	}
}

// named is an element as the CLI would write it: "interface xe-0/0/7".
func named(n *node) string { return strings.TrimSpace(n.name + " " + n.key()) }

// editPath is a place in the configuration as Junos writes it in errors.
func editPath(steps ...string) string {
	return "[" + strings.TrimSpace("edit "+strings.Join(steps, " ")) + "]"
}

// lockDenied names whoever holds the lock, in the words of
// https://www.juniper.net/documentation/us/en/software/junos/netconf/topics/task/netconf-session-terminating.html
func lockDenied(session int, user string, since time.Time) *rpcError {
	return &rpcError{
		tag: "lock-denied",
		message: fmt.Sprintf("configuration database locked by:\n  %s terminal (pid %d) on since %s, idle 00:00:01\n      exclusive",
			user, session, since.UTC().Format("2006-01-02 15:04:05 MST")),
		info: []*node{leaf("session-id", fmt.Sprint(session))},
	}
}

// modified refuses a lock because somebody left changes in the candidate: RFC
// 6241 section 7.5 wants that, and gives session 0 for whoever has none.
func modified() *rpcError {
	return &rpcError{
		tag:     "lock-denied",
		message: "configuration database modified",
		info:    []*node{leaf("session-id", "0")},
	}
}

func inUse(session int) *rpcError {
	return &rpcError{
		tag:     "in-use",
		message: fmt.Sprintf("configuration database locked by session %d", session),
		info:    []*node{leaf("session-id", fmt.Sprint(session))},
	}
}

func unsupported(what string) *rpcError {
	return &rpcError{tag: "operation-not-supported", message: "syntax error: " + what}
}

func refused(path, message string) *rpcError {
	return &rpcError{tag: "operation-failed", path: path, message: message}
}
