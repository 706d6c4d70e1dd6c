package netconf

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// historyLimit is how many commits Junos keeps and shows.
const historyLimit = 50

// Config says which switch this is.
type Config struct {
	Name     string // its host name; the host key follows from it
	User     string
	Password string
	// Initial is what others configured before Millwright came: a
	// <configuration> element, or empty.
	Initial string
	// RevertAtSessionEnd makes a confirmed commit fall with its session, as RFC
	// 6241 section 8.4 wants; else only its timeout rolls it back, as on Junos.
	RevertAtSessionEnd bool
	CommitDelay        time.Duration // each commit takes so long; real ones take seconds
	FilterTerms        int           // room for filter terms; a filter beyond is committed and not in force. 0: no end
	Log                *slog.Logger  // nil discards
}

// Switch is one simulated switch. Its methods may be called from anywhere.
type Switch struct {
	config Config
	signer ssh.Signer
	log    *slog.Logger

	mu         sync.Mutex
	running    *node // never changed in place, so that readers need no lock after taking it
	candidate  *node // likewise: an edit makes a new one
	dirty      bool  // the candidate holds changes that were not committed
	locks      map[string]*session
	pending    *confirmed
	ports      map[string]PortState
	history    []Commit
	commits    int
	faults     map[FaultName]*Fault
	sessions   map[int]*session
	lastID     int
	strange    time.Time      // since when the stranger of LockHeld has the lock; zero while it has not
	installed  map[string]int // terms of the filters in force
	programmed *node          // the configuration that they are from
	neighbors  []Neighbor
	peers      map[netip.Addr]Peer
	octets     map[string]uint64 // that came in, by port
}

// Commit is an entry of the switch's commit history.
type Commit struct {
	At      time.Time
	Session int // 0 for a rollback, which is the switch's own doing
	User    string
	Kind    CommitKind
	Comment string
}

// CommitKind says what a commit did.
type CommitKind string

const (
	Plain      CommitKind = "commit"
	Confirmed  CommitKind = "confirmed"  // to be rolled back unless confirmed
	Confirming CommitKind = "confirming" // the one that made it permanent
	Rollback   CommitKind = "rollback"   // nobody confirmed in time
)

// New makes a switch that serves nobody yet.
func New(config Config) (*Switch, error) {
	initial := branch("configuration")
	if config.Initial != "" {
		var err error
		if initial, err = parse([]byte(config.Initial)); err != nil {
			return nil, fmt.Errorf("switch %s: initial configuration: %w", config.Name, err)
		}
	}
	signer, err := hostKey(config.Name)
	if err != nil {
		return nil, fmt.Errorf("switch %s: host key: %w", config.Name, err)
	}
	log := config.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Switch{
		config: config, signer: signer, log: log.With("switch", config.Name),
		running: initial, candidate: initial, ports: ports(initial),
		locks: map[string]*session{}, faults: map[FaultName]*Fault{}, sessions: map[int]*session{},
		peers: map[netip.Addr]Peer{}, octets: map[string]uint64{},
	}
	s.install(initial)
	return s, nil
}

// Name is the switch's host name.
func (s *Switch) Name() string { return s.config.Name }

// Port is what the running configuration makes of a port.
func (s *Switch) Port(name string) PortState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ports[name]
}

// Ports is Port for every configured port, by name.
func (s *Switch) Ports() map[string]PortState {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]PortState, len(s.ports))
	for name, state := range s.ports {
		all[name] = state
	}
	return all
}

// Snapshot is the running configuration as XML.
func (s *Switch) Snapshot() string {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	var b strings.Builder
	running.write(&b)
	return b.String()
}

// History is the last commits, oldest first.
func (s *Switch) History() []Commit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Commit(nil), s.history...)
}

// Commits counts all commits and rollbacks since the start.
func (s *Switch) Commits() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commits
}
