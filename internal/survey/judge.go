package survey

import (
	"fmt"
	"strings"

	"millwright/internal/metal"
)

// Outcome is what a look at a machine came to.
type Outcome string

const (
	Agrees    Outcome = "agrees"    // it is as the records say: nothing is in doubt any more
	Waits     Outcome = "waits"     // it cannot be told yet
	Aside     Outcome = "aside"     // it is somebody else's, or may be: nobody touches it before a person has looked
	Installed Outcome = "installed" // the run that the records have open has ended: the device is in its tenant's hands
)

// Verdict is the outcome for one machine, and why.
type Verdict struct {
	Machine metal.MachineID
	Outcome Outcome
	Kind    metal.IssueKind // of Aside
	Why     string          // in a sentence; empty where it agrees
	Hold    []Seen          // on its ports, and by the records nobody's or another's
}

// Machine judges one machine.
func (w World) Machine(r Record) Verdict {
	v := Verdict{Machine: r.Machine}
	if w.dark(r) {
		return v.waits("its switch could not be read yet")
	}
	seen := w.tenants(r)
	for _, s := range seen {
		if s.strange(r.Device) || !w.own(r.Device, s.Prefix) {
			v.Hold = append(v.Hold, s)
		}
	}
	if r.Device == "" {
		return w.vacant(r, v)
	}
	if len(seen) > len(v.Hold) {
		return w.open(r, v)
	}
	if len(v.Hold) > 0 {
		return v.aside("its port routes %s, and none of device %s", listed(v.Hold), r.Device)
	}
	if at, yes := w.Elsewhere(r.Device, r.Ports); yes {
		return v.aside("device %s is to be seen on port %s, which routes %s", r.Device, at.Port, at.Prefix)
	}
	return w.closed(r, v)
}

// strange tells whether the port names another device than the one on record: an
// address may have come to a new tenant on the very port where it was before.
func (s Seen) strange(device metal.DeviceID) bool { return s.Named != "" && s.Named != device }

// vacant judges a machine that the records give to no device.
func (w World) vacant(r Record, v Verdict) Verdict {
	switch {
	case len(v.Hold) > 0:
		return v.aside("its port routes %s, and the records know no device on it", listed(v.Hold))
	case r.Found.Stray != 0:
		return v.aside("its agent is of boot %d, which the records do not know", r.Found.Stray)
	case r.State == metal.Retired:
		return v.agrees()
	case r.State == metal.Claimed || r.State == metal.Enrolled:
		return w.underway(r, v)
	case r.State != metal.Idle:
		return v.agrees() // nobody gets it as it is, and who proves it erases it
	}
	return w.idle(r, v)
}

// idle judges a machine that the next order would get. One that is on belongs to
// somebody, unless it is the agent that the records have waiting there.
func (w World) idle(r Record, v Verdict) Verdict {
	f := r.Found
	switch {
	case f.Power == metal.Off:
		return v.agrees()
	case f.Power == metal.On && r.Warm && f.Heard:
		return v.agrees()
	case f.Power == metal.On && r.Warm && f.On < w.Patience:
		return v.waits("it is on, and its agent has not spoken yet")
	case f.Power == metal.On:
		return v.aside("it is on, and the records have it idle")
	case f.Kind == metal.BMCRefuses || f.Kind == metal.BMCIdentity || f.Looks >= w.Looks:
		v = v.aside("its BMC does not say whether it is on: %s", f.Problem)
		v.Kind = f.Kind
		return v
	}
	return v.waits("its BMC did not say yet whether it is on")
}

// open judges a device whose port carries it.
func (w World) open(r Record, v Verdict) Verdict {
	if r.DeviceState != metal.Provisioning && r.DeviceState != metal.Reinstalling {
		return v.agrees()
	}
	v.Outcome = Installed
	v.Why = fmt.Sprintf("the records have device %s %s, and its port is open: whether that was before or after, nobody knows, and to install again would destroy what is on it", r.Device, r.DeviceState)
	return v
}

// closed judges a device whose port carries nobody. Where it lives instead may
// be behind a switch that was not read.
func (w World) closed(r Record, v Verdict) Verdict {
	if r.Found.Stray != 0 {
		return v.aside("its agent is of boot %d, which the records do not know", r.Found.Stray)
	}
	if len(w.Dark) > 0 {
		return v.waits("its port is parked, and device " + string(r.Device) + " may be behind a switch that could not be read yet")
	}
	for _, p := range r.Ports {
		if p.Open && !p.Pending {
			return v.aside("port %s is parked, and the records have device %s on it, %s", p.Port, r.Device, r.DeviceState)
		}
	}
	return w.underway(r, v)
}

// underway judges a machine behind a parked port that a run has. An agent of
// another boot would say that there was another run since: it is waited for.
func (w World) underway(r Record, v Verdict) Verdict {
	f := r.Found
	if f.Power == metal.On && !f.Heard && f.On < w.Patience {
		return v.waits("it is on behind a parked port, and its agent has not spoken yet")
	}
	if f.Power == "" && f.Kind == "" {
		return v.waits("its BMC was not asked yet")
	}
	return v.agrees()
}

func (v Verdict) agrees() Verdict {
	v.Outcome = Agrees
	return v
}

func (v Verdict) waits(why string) Verdict {
	v.Outcome, v.Why, v.Hold = Waits, why, nil
	return v
}

func (v Verdict) aside(format string, args ...any) Verdict {
	v.Outcome, v.Kind, v.Why = Aside, metal.RestoredDifferently, fmt.Sprintf(format, args...)
	return v
}

// listed are prefixes with the devices that their ports name.
func listed(seen []Seen) string {
	var all []string
	for _, s := range seen {
		text := s.Prefix.String()
		if s.Named != "" {
			text += " of device " + string(s.Named)
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}
