package junos

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"millwright/internal/metal"
)

// RPCError is the switch's refusal of one operation, in its own words.
type RPCError struct {
	Tag     string // RFC 6241 appendix A; Junos says operation-failed of nearly everything
	Path    string // "[edit interfaces xe-0/0/7 unit 0]"
	Message string
	Element string // what the switch calls the bad element, if it does
	Session string // of whoever holds a lock
}

func (e *RPCError) Error() string {
	parts := []string{}
	for _, p := range []string{e.Path, e.Element, strings.Join(strings.Fields(e.Message), " ")} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return e.Tag
	}
	return strings.Join(parts, ": ")
}

// redact takes secrets out of the words: a switch may repeat the bad value.
func (e *RPCError) redact(secrets []string) {
	for _, words := range []*string{&e.Path, &e.Message, &e.Element} {
		*words = redacted(*words, secrets)
	}
}

// LockHeld says that somebody else is configuring the switch. It is weather:
// whoever it is will be done, or be told. Its session is of NETCONF, or a
// process on the switch; "0" or "" where it has none.
type LockHeld struct {
	metal.LockHolder
	Message string
}

// Holder is who has the lock, for callers that know no driver.
func (e *LockHeld) Holder() metal.LockHolder { return e.LockHolder }

func (e *LockHeld) Error() string {
	who := "session " + e.Session
	if e.Session == "" {
		who = "an unnamed session"
	}
	if e.User != "" {
		who += " of " + e.User
	}
	if !e.Since.IsZero() {
		who += " since " + e.Since.UTC().Format(time.RFC3339)
	}
	return "candidate lock held by " + who + ": " + e.Message
}

// lockHolder reads how Junos names a lock's holder: "configuration database
// locked by: root terminal p0 (pid 7342) on since …".
var lockHolder = regexp.MustCompile(`locked by:\s*(\S+)(?:[^(]*\(pid (\d+)\))?`)

// lockSince reads since when, where the switch's clock shows UTC: other zones
// have only their letters, which do not say how far from UTC they are.
var lockSince = regexp.MustCompile(`on since (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC`)

// locked turns a refusal into a LockHeld, if it is about the lock. Junos does
// not always set the tag, so its words count too.
func locked(err *RPCError) (*LockHeld, bool) {
	message := strings.Join(strings.Fields(err.Message), " ")
	words := strings.Contains(message, "configuration database locked") ||
		strings.Contains(message, "configuration database modified")
	if err.Tag != "lock-denied" && err.Tag != "in-use" && !words {
		return nil, false
	}
	held := &LockHeld{LockHolder: metal.LockHolder{Session: err.Session}, Message: message}
	if m := lockHolder.FindStringSubmatch(message); m != nil {
		held.User = m[1]
		if held.Session == "" {
			held.Session = m[2]
		}
	}
	if m := lockSince.FindStringSubmatch(message); m != nil {
		held.Since, _ = time.Parse(time.DateTime, m[1]) // the expression matches nothing else but bad dates
	}
	return held, true
}

// changing are the operations whose refusal is about the configuration itself.
var changing = []string{"edit-config", "validate", "commit", "commit-configuration"}

// meaning is what the switch's refusal of an operation says to the caller: a
// lock and a lack of resources pass, a login without the right and a
// configuration that the switch does not take will be refused tomorrow too.
func meaning(operation string, err *RPCError) error {
	if held, ok := locked(err); ok {
		return held
	}
	switch {
	case err.Tag == "access-denied":
		return fmt.Errorf("%w: %w", metal.ErrBadCredentials, err)
	case err.Tag != "resource-denied" && slices.Contains(changing, operation):
		return fmt.Errorf("%w: %w", metal.ErrConfigRefused, err)
	}
	return err
}

// rpcErrors finds every rpc-error of a reply, however deep: Junos puts those
// of a commit into <commit-results>, where go-netconf does not look. Warnings
// come apart from errors.
func rpcErrors(reply *element) (refused, warnings []*RPCError) {
	for _, c := range reply.children {
		if c.name != "rpc-error" {
			r, w := rpcErrors(c)
			refused, warnings = append(refused, r...), append(warnings, w...)
			continue
		}
		if c.child("error-severity").value() == "warning" {
			warnings = append(warnings, rpcError(c))
		} else {
			refused = append(refused, rpcError(c))
		}
	}
	return refused, warnings
}

func rpcError(e *element) *RPCError {
	info := e.child("error-info")
	return &RPCError{
		Tag:     e.child("error-tag").value(),
		Path:    e.child("error-path").value(),
		Message: e.child("error-message").value(),
		Element: info.child("bad-element").value(),
		Session: info.child("session-id").value(),
	}
}
