package netconf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultName says what goes wrong. Names are what people and scripts write.
type FaultName string

const (
	LockHeld         FaultName = "lock-held"          // lock: refused, held by session 41
	CommitRefused    FaultName = "commit-refused"     // commit: an rpc-error inside commit-results
	CommitSlow       FaultName = "commit-slow"        // commit: takes Delay longer
	RolledBack       FaultName = "rolled-back"        // confirmed commit: answered, then rolled back at once
	DropBeforeCommit FaultName = "drop-before-commit" // commit: session lost, nothing took effect
	DropAfterCommit  FaultName = "drop-after-commit"  // commit: session lost, it took effect
	Refused          FaultName = "refused"            // any operation: an rpc-error, nothing took effect
	Slow             FaultName = "slow"               // any operation: takes Delay longer
	DropBefore       FaultName = "drop-before"        // any operation: session lost, nothing took effect
	DropAfter        FaultName = "drop-after"         // any operation: session lost, it took effect
	Hang             FaultName = "hang"               // any operation: no answer, session open
	Garbage          FaultName = "garbage"            // any operation: an answer that is no XML
	LoginRefused     FaultName = "login-refused"      // SSH: password refused
	NotInstalled     FaultName = "not-installed"      // commit: a filter is committed and not in force
)

// faultNames are all of them, in the order in which errors list them.
var faultNames = []FaultName{
	LockHeld, CommitRefused, CommitSlow, RolledBack, DropBeforeCommit, DropAfterCommit,
	Refused, Slow, DropBefore, DropAfter, Hang, Garbage, LoginRefused, NotInstalled,
}

// Fault is one thing that goes wrong, and how often.
type Fault struct {
	Name  FaultName
	Skip  int           // chances let pass first: with Skip 2 Hang hits the third operation
	Times int           // how often it strikes; 0 is until cleared
	Delay time.Duration // for CommitSlow and Slow
}

// ParseFault reads a fault as people write it: a name, and "name:n" for one
// that begins at the nth chance ("hang:3" hangs at the third operation).
func ParseFault(name string, times int, delay time.Duration) (Fault, error) {
	word, nth, counted := strings.Cut(name, ":")
	fault := Fault{Name: FaultName(word), Times: times, Delay: delay}
	if !slices.Contains(faultNames, fault.Name) {
		return Fault{}, fmt.Errorf("switch fault %q: unknown; known are %s", name, known())
	}
	if counted {
		n, err := strconv.Atoi(nth)
		if err != nil || n < 1 {
			return Fault{}, fmt.Errorf("switch fault %q: want %s:n with n from 1", name, word)
		}
		fault.Skip = n - 1
	}
	if times < 0 || delay < 0 {
		return Fault{}, fmt.Errorf("switch fault %q: times %d and delay %s must not be negative", name, times, delay)
	}
	return fault, nil
}

func known() string {
	words := make([]string, len(faultNames))
	for i, n := range faultNames {
		words[i] = string(n)
	}
	return strings.Join(words, ", ")
}

// SetFault makes something go wrong from now on. It replaces an earlier fault
// of the same name; faults of other names stay.
func (s *Switch) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[f.Name] = &f
}

// ClearFault ends one fault. What it already did stays done: a rollback is not
// taken back, and an operation that hangs goes on hanging until its client
// leaves.
func (s *Switch) ClearFault(name FaultName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.faults, name)
}

// ClearFaults ends every fault.
func (s *Switch) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
}

// Faults are those still to strike, by name.
func (s *Switch) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var active []Fault
	for _, name := range faultNames {
		if f := s.faults[name]; f != nil {
			active = append(active, *f)
		}
	}
	return active
}

// strikes spends one chance of a fault and tells whether it goes wrong now.
func (s *Switch) strikes(name FaultName) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.strikesHeld(name)
}

// strikesHeld is strikes for who holds the mutex.
func (s *Switch) strikesHeld(name FaultName) (Fault, bool) {
	f := s.faults[name]
	if f == nil {
		return Fault{}, false
	}
	if f.Skip > 0 {
		f.Skip--
		return Fault{}, false
	}
	if f.Times == 1 {
		delete(s.faults, name)
	} else if f.Times > 1 {
		f.Times--
	}
	return *f, true
}
