package junos

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// lock takes the shared candidate, or says who has it.
func (s *session) lock() error {
	_, err := s.rpc(branch("lock", branch("target", bare("candidate"))))
	var held *LockHeld
	if errors.As(err, &held) && (held.User == "" || held.Since.IsZero()) {
		s.identify(held)
	}
	return err
}

// identify asks who is editing: Junos ends every read of the candidate with a
// list of those, and a session's number is its process's. Not to know is no
// error, because nobody acts on it but people.
func (s *session) identify(held *LockHeld) {
	reply, err := s.rpc(branch("get-config", branch("source", bare("candidate")),
		branch("filter", branch("configuration", bare("version")))))
	if err != nil {
		s.log.Debug("lock holder not named", "why", err)
		return
	}
	for _, who := range reply.at("data", "database-status-information").all("database-status") {
		if who.child("pid").value() != held.Session {
			continue
		}
		held.User = who.child("user").value()
		if start := who.child("start-time"); start != nil {
			if at, err := strconv.ParseInt(start.seconds, 10, 64); err == nil {
				held.Since = time.Unix(at, 0).UTC()
			}
		}
	}
}

// unlock is a courtesy: Junos may answer it with an error although the commit
// was applied (ansible-junos-stdlib #748), and unlocks when the session ends.
func (s *session) unlock() {
	if _, err := s.rpcWithin(min(partingLimit, s.limit), branch("unlock", branch("target", bare("candidate")))); err != nil {
		s.log.Warn("candidate not unlocked; it is when the session ends", "why", err)
	}
}

// discard drops what is in the candidate and was not committed.
func (s *session) discard() error {
	_, err := s.rpc(bare("discard-changes"))
	return err
}

// abandon discards what was refused. An RFC 6241 server may leave it in the
// candidate after the unlock, and nobody could lock that; the refusal itself is
// what the caller shall hear of.
func (s *session) abandon() {
	if s.lost != nil {
		return // the switch discards with the session
	}
	if err := s.discard(); err != nil {
		s.log.Warn("refused change not discarded", "why", err)
	}
}

// read gives the part of a datastore that a filter selects.
func (s *session) read(datastore string, filter *element) (*element, error) {
	// A filter is of the type subtree where it names none (RFC 6241 section 7.1).
	reply, err := s.rpc(branch("get-config", branch("source", bare(datastore)), branch("filter", filter)))
	if err != nil {
		return nil, err
	}
	return reply.at("data", "configuration"), nil
}

// edit changes the candidate by the operations that the change carries.
func (s *session) edit(change *element) error {
	_, err := s.rpc(branch("edit-config", branch("target", bare("candidate")), branch("config", change)))
	return err
}

// validate asks whether the candidate could be committed.
func (s *session) validate(limit time.Duration) error {
	_, err := s.rpcWithin(limit, branch("validate", branch("source", bare("candidate"))))
	return err
}

// commitConfirmed activates the candidate for a while. The timeout of
// <commit> is in seconds, other than that of <commit-configuration>.
func (s *session) commitConfirmed(limit, timeout time.Duration) error {
	seconds := strconv.Itoa(int(timeout.Round(time.Second) / time.Second))
	_, err := s.rpcWithin(limit, branch("commit", bare("confirmed"), leaf("confirm-timeout", seconds)))
	return err
}

// confirm makes the confirmed commit stay. Only Junos's own operation takes a
// comment for the history; any commit confirms.
func (s *session) confirm(limit time.Duration, comment string) error {
	operation := bare("commit")
	if s.speaksJunos() {
		operation = branch("commit-configuration", leaf("log", comment))
	}
	_, err := s.rpcWithin(limit, operation)
	return err
}

// compare is what the candidate would change, in the CLI's words.
func (s *session) compare() (string, error) {
	operation := bare("get-configuration")
	operation.asked = ` compare="rollback" rollback="0" format="text"`
	reply, err := s.rpc(operation)
	if err != nil {
		return "", err
	}
	return redacted(reply.at("configuration-information", "configuration-output").value(), s.secrets), nil
}

// installed names the filters that the switch says are in force. A filter that
// its hardware had no room for is committed like any other, and missing here.
// What the hardware itself holds only its shell tells (show pfe filter hw).
func (s *session) installed() (map[string]bool, error) {
	reply, err := s.rpc(bare("get-firewall-information"))
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, f := range reply.child("firewall-information").all("filter-information") {
		names[f.child("filter-name").value()] = true
	}
	return names, nil
}

// unconfirmed tells whether a commit may be waiting for its confirmation: the
// newest entry of the history says so, and older releases leave that on it
// even when it was confirmed by a mere check. A switch that cannot be asked
// may well have one.
func (s *session) unconfirmed() (bool, error) {
	if !s.speaksJunos() {
		return true, nil
	}
	reply, err := s.rpc(bare("get-commit-information"))
	if err != nil {
		return true, err
	}
	newest := reply.at("commit-information", "commit-history")
	return newest.child("commit-confirmed") != nil ||
		strings.Contains(newest.child("comment").value(), "commit confirmed"), nil
}
