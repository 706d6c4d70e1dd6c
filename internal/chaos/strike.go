package main

import (
	"fmt"
	"strings"
	"time"

	"millwright/internal/lab"
	"millwright/internal/line"
)

const (
	slowLine   = 40 * time.Millisecond  // each piece, of a connection between programs
	slowDevice = 300 * time.Millisecond // each piece, of one to a switch or BMC
)

// switchFaults are what a switch does once by its own protocol, in turn.
var switchFaults = []string{"drop-after-commit", "drop-before-commit", "rolled-back", "lock-held", "commit-refused", "garbage", "hang"}

// strike begins a disturbance. What cannot be done to a part that is dead is
// done: it has worse.
func (w *world) strike(n int, d disturbance) error {
	switch p := w.parts[d.Target]; {
	case d.Kind == kill:
		p.take()
	case d.Kind == freeze:
		p.Pause()
	case d.Kind == full:
		return w.Stack.Disk().Fill()
	case d.Kind == fault:
		name := switchFaults[n%len(switchFaults)]
		return w.Lab.SetFault(lab.Fault{Target: d.Target, Name: name, Times: 1})
	default:
		return w.eachLine(d.Target, func(l *line.Listener) error { return disturb(l, d) })
	}
	return nil
}

func disturb(l *line.Listener, d disturbance) error {
	switch d.Kind {
	case cut:
		l.Cut()
	case refuse:
		l.Refuse()
	case silence:
		l.Silence()
	case slow:
		delay := slowLine
		if strings.Contains(d.Target, "/") {
			delay = slowDevice
		}
		l.Slow(delay)
	default:
		return fmt.Errorf("nobody knows how to %s %s", d.Kind, d.Target)
	}
	return nil
}

// mend ends a disturbance.
func (w *world) mend(d disturbance) error {
	switch p := w.parts[d.Target]; {
	case d.Kind == kill:
		p.give()
	case d.Kind == freeze:
		p.Resume()
	case d.Kind == full:
		return w.Stack.Disk().Free()
	case d.Kind == fault:
		return w.Lab.ClearFaults(d.Target)
	default:
		return w.eachLine(d.Target, (*line.Listener).Heal)
	}
	return nil
}

// eachLine does something to all lines that a target stands for.
func (w *world) eachLine(target string, do func(*line.Listener) error) error {
	if l := w.lines[target]; l != nil {
		return do(l.Listener)
	}
	names := []string{target}
	if group, ok := strings.CutPrefix(target, "bmcs/"); ok {
		names = w.bmcs(group)
	}
	for _, name := range names {
		l, err := w.Lab.Line(name)
		if err != nil {
			return err
		}
		if err := do(l); err != nil {
			return err
		}
	}
	return nil
}

// bmcs are every fourth one, so that each group has some in every rack.
func (w *world) bmcs(group string) (names []string) {
	for i, m := range w.Lab.Machines() {
		if fmt.Sprint(i%bmcGroups+1) == group {
			names = append(names, "bmc/"+string(m.ID))
		}
	}
	return names
}
