package netconf

import (
	"strconv"
	"time"
)

// ok is the answer of an operation that has nothing else to say.
func ok(err *rpcError) []*node {
	if err != nil {
		return []*node{err.node()}
	}
	return []*node{leaf("ok", "")}
}

// operate runs one operation and gives the answer. With an error the session
// ends after the answer, if there is one.
func (s *session) operate(o *node) ([]*node, error) {
	switch o.name {
	case "get-config":
		return []*node{s.at.read(datastore(o, "source"), o.child("filter"))}, nil
	case "get-configuration":
		return []*node{s.at.compare()}, nil
	case "get-firewall-information":
		return []*node{s.at.firewallInformation()}, nil
	case "get-lldp-neighbors-information":
		return []*node{s.at.lldpInformation()}, nil
	case "get-interface-information":
		return []*node{s.at.interfaceInformation()}, nil
	case "get-bgp-summary-information":
		return []*node{s.at.bgpInformation()}, nil
	case "edit-config":
		return ok(s.edit(o)), nil
	case "lock":
		return ok(s.lock(datastore(o, "target"))), nil
	case "unlock":
		return ok(s.at.unlock(s, datastore(o, "target"))), nil
	case "discard-changes":
		return ok(s.at.discard(s)), nil
	case "validate":
		return ok(s.at.validate()), nil
	case "commit", "commit-configuration":
		return s.commit(o)
	case "get-commit-information":
		return []*node{s.at.information()}, nil
	case "kill-session":
		return ok(s.kill(o)), nil
	case "close-session":
		return ok(nil), errEnd
	}
	return ok(unsupported(o.name)), nil
}

// datastore names a source or target: candidate or running.
func datastore(o *node, role string) string {
	if store := o.child(role); store != nil && len(store.children) == 1 {
		return store.children[0].name
	}
	return ""
}

func (s *session) lock(target string) *rpcError {
	if target != "candidate" && target != "running" {
		return unsupported("lock of " + target)
	}
	if _, held := s.at.strikes(LockHeld); held {
		return lockDenied(strangerID, "operator", s.at.stranger())
	}
	return s.at.lock(s, target)
}

// edit takes only the candidate: a switch whose running configuration can be
// written directly offers no confirmed commit.
func (s *session) edit(o *node) *rpcError {
	if datastore(o, "target") != "candidate" {
		return unsupported("edit-config of anything but candidate")
	}
	change := o.at("config", "configuration")
	if change == nil {
		return &rpcError{tag: "missing-element", message: "config: want a configuration"}
	}
	fallback := "merge"
	if d := o.child("default-operation"); d != nil {
		fallback = d.text
	}
	return s.at.edit(s, change, fallback)
}

func (s *session) kill(o *node) *rpcError {
	id, err := strconv.Atoi(o.child("session-id").value())
	if err != nil {
		return &rpcError{tag: "invalid-value", message: "session-id: want a number"}
	}
	return s.at.kill(s, id)
}

// value is an element's text, and "" of one that is not there.
func (n *node) value() string {
	if n == nil {
		return ""
	}
	return n.text
}

// commit runs either commit operation, with every fault that can befall one.
func (s *session) commit(o *node) ([]*node, error) {
	read := rfcCommit
	if o.name == "commit-configuration" {
		read = junosCommit
	}
	asked, malformed := read(o)
	if malformed != nil {
		return ok(malformed), nil
	}
	takes := s.at.config.CommitDelay
	if slow, strikes := s.at.strikes(CommitSlow); strikes {
		takes += slow.Delay
	}
	if takes > 0 && !s.wait(takes) {
		return nil, errEnd
	}
	if _, drops := s.at.strikes(DropBeforeCommit); drops {
		return nil, errEnd
	}
	err := s.outcome(asked)
	if _, drops := s.at.strikes(DropAfterCommit); drops {
		return nil, errEnd
	}
	return results(o.name, err), nil
}

// outcome commits, or refuses as the fault says, and rolls back at once where
// a confirmation shall never arrive in time.
func (s *session) outcome(asked request) *rpcError {
	if _, refuses := s.at.strikes(CommitRefused); refuses {
		return refused(editPath("interfaces"), "commit refused by the fault "+string(CommitRefused))
	}
	if err := s.at.commit(s, asked); err != nil {
		return err
	}
	if asked.confirmed {
		if _, falls := s.at.strikes(RolledBack); falls {
			s.at.rollback(s.at.unconfirmed())
		}
	}
	return nil
}

// unconfirmed is the confirmed commit that is pending, if one is.
func (s *Switch) unconfirmed() *confirmed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending
}

// results answers a commit. Junos puts errors of its own operation into
// commit-results, where a client that looks only at the top finds none.
func results(operation string, err *rpcError) []*node {
	switch {
	case operation == "commit" && err == nil:
		return ok(nil)
	case err == nil:
		return []*node{branch("commit-results", branch("routing-engine",
			leaf("name", "re0"), leaf("commit-success", "")))}
	}
	return []*node{branch("commit-results", branch("routing-engine", leaf("name", "re0"), err.node()))}
}

// wait lets time pass while the client stays; false if it left.
func (s *session) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.done:
		return false
	}
}
