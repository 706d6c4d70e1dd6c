package redfish

import (
	"net/http"
	"time"
)

// Load is what clients have asked of a BMC since it began, or since ResetLoad:
// what a client that promises to go easy on BMCs is held against.
type Load struct {
	Requests     int `json:"requests"`
	Sessions     int `json:"sessions"`      // open at this moment
	MostSessions int `json:"most_sessions"` // open at once
	MostIn2s     int `json:"most_in_2s"`    // requests within any two seconds
}

const (
	loadWindow  = 2 * time.Second
	burstLimit  = 5                // requests in loadWindow that FreezesUnder endures
	usualFreeze = 30 * time.Second // without a delay; an overwhelmed BMC restarts its web server in about that time
)

// load is a Load in the making. It holds the times of the last two seconds only.
type load struct {
	Load
	recent []time.Time
}

// count notes a request, and keeps it waiting while the BMC is frozen.
func (b *BMC) count(r *http.Request) {
	b.mu.Lock()
	now := time.Now()
	recent := b.load.note(now)
	if f, armed := b.faults[FreezesUnder]; armed && recent > burstLimit && !now.Before(b.frozen) {
		if f.Delay == 0 {
			f.Delay = usualFreeze
		}
		b.strikeLocked(FreezesUnder)
		b.frozen = now.Add(f.Delay)
	}
	left, cleared := b.frozen.Sub(now), b.cleared
	b.mu.Unlock()
	if left > 0 {
		b.waitFor(r, time.After(left), cleared)
	}
}

// note gives how many requests came within the window that ends now.
func (l *load) note(now time.Time) int {
	keep := l.recent[:0]
	for _, at := range l.recent {
		if now.Sub(at) < loadWindow {
			keep = append(keep, at)
		}
	}
	l.recent = append(keep, now)
	l.Requests++
	l.MostIn2s = max(l.MostIn2s, len(l.recent))
	return len(l.recent)
}

// Load is a picture of this moment.
func (b *BMC) Load() Load {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expireSessions()
	now := b.load.Load
	now.Sessions = len(b.sessions)
	return now
}

// ResetLoad begins to count anew, as after what was not to be counted.
func (b *BMC) ResetLoad() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.load = load{}
	b.load.MostSessions = len(b.sessions)
}
