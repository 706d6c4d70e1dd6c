package netconf

import (
	"strconv"
	"time"
)

// confirmed is a commit that falls unless somebody commits again in time.
type confirmed struct {
	before  *node // the configuration to go back to
	session int
	timer   *time.Timer
}

// request is a commit as asked for, by RFC 6241's operation or by Junos's own.
type request struct {
	confirmed bool
	timeout   time.Duration
	comment   string
	check     bool // only validate; on Junos even that confirms what is pending
}

// rfcCommit reads <commit>: its timeout is in seconds, ten minutes if none.
func rfcCommit(n *node) (request, *rpcError) {
	return readCommit(n, time.Second, 600)
}

// junosCommit reads <commit-configuration>: its timeout is in minutes. See
// https://www.juniper.net/documentation/us/en/software/junos/junos-xml-protocol/topics/task/junos-xml-protocol-configuration-committing-with-confirmation.html
func junosCommit(n *node) (request, *rpcError) {
	return readCommit(n, time.Minute, 10)
}

func readCommit(n *node, unit time.Duration, count int) (request, *rpcError) {
	r := request{confirmed: n.child("confirmed") != nil, check: n.child("check") != nil}
	if log := n.child("log"); log != nil {
		r.comment = log.text
	}
	if t := n.child("confirm-timeout"); t != nil {
		var err error
		if count, err = strconv.Atoi(t.text); err != nil || count < 1 {
			return r, &rpcError{tag: "invalid-value", message: "confirm-timeout: " + t.text}
		}
	}
	r.timeout = time.Duration(count) * unit
	return r, nil
}

// commit makes the candidate the running configuration. Like Junos it takes
// any commit as the confirmation of what is pending, whoever sends it.
func (s *Switch) commit(from *session, r request) *rpcError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.mayWrite(from); err != nil {
		return err
	}
	if err := checkReferences(s.candidate); err != nil {
		return err
	}
	// Only a commit that is not refused confirms: a refused one leaves the
	// countdown running.
	kind := s.settlePending(r)
	if r.check {
		return nil
	}
	if r.confirmed {
		s.pend(from, r.timeout)
		kind = Confirmed
	}
	s.activate(s.candidate)
	s.record(Commit{At: time.Now(), Session: from.id, User: from.user, Kind: kind, Comment: r.comment})
	return nil
}

// settlePending ends the countdown of an earlier confirmed commit, unless this
// one starts it anew and keeps the configuration to go back to.
func (s *Switch) settlePending(r request) CommitKind {
	if s.pending == nil {
		return Plain
	}
	s.pending.timer.Stop()
	if !r.confirmed {
		s.pending = nil
	}
	return Confirming
}

// pend starts the countdown. A second confirmed commit extends the first one
// and goes back to where that one began (RFC 6241 section 8.4.1).
func (s *Switch) pend(from *session, timeout time.Duration) {
	p := &confirmed{before: s.running, session: from.id}
	if s.pending != nil {
		p.before = s.pending.before
	}
	p.timer = time.AfterFunc(timeout, func() { s.rollback(p) })
	s.pending = p
}

// rollback takes a confirmed commit back, unless it was confirmed meanwhile.
func (s *Switch) rollback(p *confirmed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revert(p)
}

// revert is rollback for who holds the mutex.
func (s *Switch) revert(p *confirmed) {
	if p == nil || s.pending != p {
		return
	}
	p.timer.Stop()
	s.pending = nil
	s.activate(p.before)
	s.record(Commit{At: time.Now(), User: "root", Kind: Rollback})
}

// activate makes a configuration the running one, and the candidate with it.
func (s *Switch) activate(configuration *node) {
	s.running, s.candidate, s.dirty = configuration, configuration, false
	s.ports = ports(configuration)
	s.install(configuration)
}

func (s *Switch) record(c Commit) {
	s.commits++
	s.history = append(s.history, c)
	if len(s.history) > historyLimit {
		s.history = s.history[1:]
	}
	s.log.Info("committed", "kind", c.Kind, "session", c.Session, "comment", c.Comment)
}

// information answers Junos's get-commit-information: newest first, and on the
// newest one whether its rollback is pending.
func (s *Switch) information() *node {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := branch("commit-information")
	for i := len(s.history) - 1; i >= 0; i-- {
		c := s.history[i]
		entry := branch("commit-history",
			leaf("sequence-number", strconv.Itoa(len(s.history)-1-i)),
			leaf("user", c.User), leaf("client", "netconf"),
			leaf("date-time", c.At.UTC().Format("2006-01-02 15:04:05 MST")))
		if c.Kind == Confirmed { // Junos leaves this on the entry for good
			entry.children = append(entry.children, leaf("comment", "commit confirmed, rollback in 2mins"))
		}
		if c.Comment != "" {
			entry.children = append(entry.children, leaf("log", c.Comment))
		}
		if i == len(s.history)-1 && s.pending != nil {
			entry.children = append(entry.children, leaf("commit-confirmed", "rollback pending"))
		}
		list.children = append(list.children, entry)
	}
	return list
}
