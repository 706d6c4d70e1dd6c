package redfish

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The faults that a BMC can be told to have. Each is something that BMCs in
// the field do.
const (
	RefuseLogin      = "refuse-login"        // right credentials are answered with 401
	SessionBusy      = "session-busy"        // every third login: 503, insufficient resources for session
	SlowLogin        = "slow-login"          // a session is made, and told of after the delay
	NoSessions       = "no-sessions"         // there is no session service; only Basic auth works
	Hang             = "hang"                // a request gets no answer; with a delay, a late one
	HangInside       = "hang-inside"         // as hang, but only once a client has logged in
	LiesOn           = "lies-on"             // told to switch on, it says On and the machine stays off
	LiesOff          = "lies-off"            // told to switch off, it says Off and the machine stays on
	IgnoresPower     = "ignores-power"       // a power command is accepted and nothing happens
	SlowPower        = "slow-power"          // PoweringOn or PoweringOff is read for the delay
	ForgetsBoot      = "forgets-boot"        // a boot override is accepted, and dropped after the delay
	DisablesBoot     = "disables-boot"       // a boot override is accepted, and keeps its target but is not enabled
	ContinuousBoot   = "continuous-boot"     // an override asked for once is kept for every boot
	ResetConnection  = "reset-connection"    // a connection is reset before TLS begins
	WrongCertificate = "wrong-certificate"   // the handshake shows somebody else's certificate
	RefuseSession    = "refuse-session"      // every login: 503, insufficient resources for session
	EveryThird       = "every-third"         // only each third login is answered; others hang for the delay, then get 503
	VanishingTask    = "vanishing-task"      // a task that is done is not found any more
	UpdateFails      = "update-fails"        // a firmware is taken, and its task ends in an exception
	StuckInside      = "stuck-inside"        // logins work, and all of the system is answered with 500 until the BMC restarts
	FreezesUnder     = "freezes-under-burst" // after 5 requests within 2 s nothing is answered for the delay, or 30 s
)

// faultNames is what ParseFault knows, in the order in which it says so.
var faultNames = []string{
	RefuseLogin, SessionBusy, SlowLogin, NoSessions, Hang, HangInside, LiesOn, LiesOff, IgnoresPower, SlowPower,
	ForgetsBoot, DisablesBoot, ContinuousBoot, ResetConnection, WrongCertificate,
	RefuseSession, EveryThird, FreezesUnder, StuckInside, VanishingTask, UpdateFails,
	HotCPU, DeadFan, FailingDisk, MemoryErrors, WrongFirmware, ExtraUser, ChangedLAN, ChangedBIOS, BootEntry,
}

// Fault is one way to fail, and how often.
type Fault struct {
	Name  string
	Times int           // how often it strikes; 0 is until it is cleared
	Delay time.Duration // what it means stands with each name
}

// ParseFault checks a fault given by name, as people type it.
func ParseFault(name string, times int, delay time.Duration) (Fault, error) {
	if deed, err := parseDeed(name); err != nil {
		return Fault{}, err
	} else if !deed && !slices.Contains(faultNames, name) {
		return Fault{}, fmt.Errorf("fault %q: want one of %s, sensor:NAME=NUMBER, log:SEVERITY:WORDS", name, strings.Join(faultNames, ", "))
	}
	if times < 0 || delay < 0 {
		return Fault{}, fmt.Errorf("fault %q: %d times after %s: want neither below zero", name, times, delay)
	}
	return Fault{Name: name, Times: times, Delay: delay}, nil
}

// SetFault arms a fault beside those already armed, or replaces the one of the
// same name. One that is a deed is done at once, and never armed.
func (b *BMC) SetFault(f Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.do(f) {
		return
	}
	if b.faults == nil {
		b.faults = map[string]Fault{} // late: an idle BMC, and there are a thousand, holds no map
	}
	b.faults[f.Name] = f
}

// ClearFaults makes the BMC well again, and lets hanging requests go on. What
// was done to it stays done: that is for its owner to find.
func (b *BMC) ClearFaults() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults, b.sensors = nil, nil
	b.frozen = time.Time{}
	close(b.cleared)
	b.cleared = make(chan struct{})
}

// Faults are the armed ones, by name, with the times that are left of each.
func (b *BMC) Faults() []Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.SortedFunc(maps.Values(b.faults), func(x, y Fault) int { return strings.Compare(x.Name, y.Name) })
}

// strike says whether the named fault strikes now, and counts it.
func (b *BMC) strike(name string) (Fault, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.strikeLocked(name)
}

func (b *BMC) strikeLocked(name string) (Fault, bool) {
	f, armed := b.faults[name]
	if !armed {
		return Fault{}, false
	}
	if f.Times == 1 {
		delete(b.faults, name)
	}
	if f.Times > 1 {
		b.faults[name] = Fault{Name: f.Name, Times: f.Times - 1, Delay: f.Delay}
	}
	return f, true
}

// has says whether the named fault is armed, without counting it: for a fault
// that is a trait of the BMC rather than an event.
func (b *BMC) has(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, armed := b.faults[name]
	return armed
}
