package rack

import (
	"regexp"
	"strings"
	"sync"
	"time"

	"millwright/internal/metal"
)

// entry is a thing that was seen of a machine.
type entry struct {
	machine metal.MachineID
	at      time.Time
	what    string // a line of its console, what its chassis did, or what the relay carried
}

// diary is what was seen of all machines, in the order in which it was seen.
type diary struct {
	mu      sync.Mutex
	entries []entry
	macs    map[string]metal.MachineID
}

// of is where a machine's console and chassis are written down.
func (d *diary) of(m metal.MachineID) func(string, time.Time) {
	return func(line string, at time.Time) { d.write(m, line, at) }
}

func (d *diary) write(m metal.MachineID, what string, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, entry{m, at, what})
}

// owns says whose a MAC is.
func (d *diary) owns(m metal.MachineID, mac string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.macs == nil {
		d.macs = map[string]metal.MachineID{}
	}
	d.macs[mac] = m
}

// carried is a packet in the relay's words.
var carried = regexp.MustCompile(`(?i)forwarded BOOT(REQUEST|REPLY) for ([0-9a-f:]{17})`)

const relaySays = "relay: "

// relayed takes a line of the relay's, and drops what is of no machine.
func (d *diary) relayed(line string, at time.Time) {
	found := carried.FindStringSubmatch(line)
	if found == nil {
		return
	}
	d.mu.Lock()
	m, known := d.macs[strings.ToLower(found[2])]
	d.mu.Unlock()
	if known {
		d.write(m, relaySays+strings.ToLower(found[1]), at)
	}
}

// first is the first entry of a machine from a moment on that is wanted.
func (d *diary) first(m metal.MachineID, from time.Time, wanted func(string) bool) (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.entries {
		if e.machine == m && !e.at.Before(from) && wanted(e.what) {
			return e.at, true
		}
	}
	return time.Time{}, false
}

// last are a machine's last words, for who wants to know why it fell silent.
func (d *diary) last(m metal.MachineID, n int) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var lines []string
	for _, e := range d.entries {
		if e.machine == m {
			lines = append(lines, e.at.Format("15:04:05.0 ")+e.what)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
