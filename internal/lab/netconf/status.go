package netconf

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// strangerID is the session that LockHeld pretends.
const strangerID = 41

// stranger notes that the fault's session has the lock, for whoever asks, and
// since when.
func (s *Switch) stranger() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.strange.IsZero() {
		s.strange = time.Now()
	}
	return s.strange
}

// status lists who is editing, as Junos does at the end of every reply with
// configuration in it. The caller holds the mutex.
func (s *Switch) status() *node {
	list := branch("database-status-information")
	var seen []int
	for _, holder := range s.locks {
		if !slices.Contains(seen, holder.id) {
			seen = append(seen, holder.id)
			list.children = append(list.children, editor(holder.id, holder.user, holder.editing))
		}
	}
	if !s.strange.IsZero() {
		list.children = append(list.children, editor(strangerID, "operator", s.strange))
	}
	return list
}

func editor(id int, user string, since time.Time) *node {
	return branch("database-status",
		leaf("user", user), leaf("terminal", ""), leaf("pid", strconv.Itoa(id)),
		moment("start-time", since),
		leaf("exclusive", ""), leaf("edit-path", "[edit]"))
}

// moment is a time for people, with its count of seconds for programs.
func moment(name string, at time.Time) *node {
	n := leaf(name, at.UTC().Format("2006-01-02 15:04:05 MST"))
	n.seconds = fmt.Sprint(at.Unix())
	return n
}
