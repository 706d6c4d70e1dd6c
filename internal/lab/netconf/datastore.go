package netconf

import (
	"slices"
	"time"
)

// mayWrite refuses a session while another one holds the candidate's lock.
func (s *Switch) mayWrite(from *session) *rpcError {
	if holder := s.locks["candidate"]; holder != nil && holder != from {
		return inUse(holder.id)
	}
	return nil
}

// lock gives a datastore to one session. A candidate with somebody's
// uncommitted changes cannot be locked (RFC 6241 section 7.5).
func (s *Switch) lock(from *session, target string) *rpcError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if holder := s.locks[target]; holder != nil {
		return lockDenied(holder.id, holder.user, holder.editing)
	}
	if target == "candidate" && s.dirty {
		return modified()
	}
	s.locks[target] = from
	from.editing = time.Now()
	return nil
}

// unlock gives it back, and drops what was not committed.
func (s *Switch) unlock(from *session, target string) *rpcError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locks[target] != from {
		return refused("", "configuration database not locked by this session")
	}
	s.release(target)
	return nil
}

func (s *Switch) release(target string) {
	delete(s.locks, target)
	if target == "candidate" {
		s.candidate, s.dirty = s.running, false
	}
}

// discard makes the candidate what runs.
func (s *Switch) discard(from *session) *rpcError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.mayWrite(from); err != nil {
		return err
	}
	s.candidate, s.dirty = s.running, false
	return nil
}

// edit changes the candidate, wholly or not at all.
func (s *Switch) edit(from *session, change *node, fallback string) *rpcError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.mayWrite(from); err != nil {
		return err
	}
	next := s.candidate.clone()
	if fallback == "replace" {
		next, fallback = branch("configuration"), "merge"
	}
	if err := (edit{fallback: fallback}).apply(next, change); err != nil {
		return err
	}
	obscure(next)
	// Junos parses addresses as it loads them; references wait for the commit.
	if err := checkSyntax(next); err != nil {
		return err
	}
	s.candidate, s.dirty = next, true
	return nil
}

// validate checks what a commit of the candidate would.
func (s *Switch) validate() *rpcError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return checkReferences(s.candidate)
}

// read gives a datastore's configuration, sifted if there is a filter.
func (s *Switch) read(source string, filter *node) *node {
	s.mu.Lock()
	configuration := s.running
	if source == "candidate" {
		configuration = s.candidate
	}
	status := s.status()
	s.mu.Unlock()
	data := branch("data")
	if filter == nil {
		data.children = []*node{configuration}
	} else if part := sift(filter, branch("filter", configuration)); part != nil {
		data.children = part.children
	}
	if len(status.children) > 0 {
		data.children = append(slices.Clip(data.children), status)
	}
	return data
}

// leave ends a session: its locks go, its uncommitted changes with them, and
// by RFC 6241 its unconfirmed commit too.
func (s *Switch) leave(from *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, from.id)
	for target, holder := range s.locks {
		if holder == from {
			s.release(target)
		}
	}
	if s.config.RevertAtSessionEnd && s.pending != nil && s.pending.session == from.id {
		s.revert(s.pending)
	}
}

// kill ends another session by its number.
func (s *Switch) kill(from *session, id int) *rpcError {
	s.mu.Lock()
	other := s.sessions[id]
	if id == from.id || other == nil {
		s.mu.Unlock()
		return &rpcError{tag: "invalid-value", message: "no such session"}
	}
	s.revertFor(id)
	s.mu.Unlock()
	other.close() // outside the mutex: leaving takes it
	return nil
}

// revertFor takes back what a killed session left unconfirmed, which Junos
// does even though it does not when a session merely ends.
func (s *Switch) revertFor(id int) {
	if s.pending != nil && s.pending.session == id {
		s.revert(s.pending)
	}
}
