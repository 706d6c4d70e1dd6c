package lab

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"millwright/internal/lab/machine"
	"millwright/internal/lab/netconf"
	"millwright/internal/lab/redfish"
)

// Fault is something that goes wrong with one part of the lab.
type Fault struct {
	Target string   `json:"target" yaml:"target"`                   // "machine/m3", "bmc/m3", "switch/tor-r1"
	Name   string   `json:"fault" yaml:"fault"`                     // as the part's package names it
	Times  int      `json:"times,omitempty" yaml:"times,omitempty"` // how often it strikes; 0 is until cleared
	Delay  Duration `json:"delay,omitzero" yaml:"delay,omitempty"`  // for faults that have one
}

// Duration is a time.Duration that people write as "1m30s".
type Duration time.Duration

// MarshalText writes "1m30s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads "1m30s".
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	if err != nil {
		return fmt.Errorf("delay %q: want a duration such as 5s", text)
	}
	return nil
}

// ReadFaults reads a file that lists faults, in YAML or JSON.
func ReadFaults(file string) ([]Fault, error) {
	text, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read faults: %w", err)
	}
	defer text.Close()
	var faults []Fault
	decoder := yaml.NewDecoder(text)
	decoder.KnownFields(true) // a misspelt "times" would be a fault for ever
	if err := decoder.Decode(&faults); err != nil {
		return nil, fmt.Errorf("read faults from %s: %w", file, err)
	}
	return faults, nil
}

// faulty is a part that can be told to fail.
type faulty interface {
	set(Fault) error
	list() []Fault
	clear()
}

// SetFault makes a part fail from now on. It replaces a fault of the same name.
func (l *Lab) SetFault(f Fault) error {
	part, found := l.index[f.Target]
	if !found {
		return l.unknownTarget(f.Target)
	}
	if err := part.set(f); err != nil {
		return fmt.Errorf("%s: %w", f.Target, err)
	}
	return nil
}

func (l *Lab) unknownTarget(target string) error {
	known := l.targets()
	const enough = 12
	if len(known) > enough {
		known = append(known[:enough:enough], fmt.Sprintf("and %d more", len(l.index)-enough))
	}
	return fmt.Errorf("unknown target %q; known are %s", target, strings.Join(known, ", "))
}

// targets are sorted so that errors and lists are the same each time.
func (l *Lab) targets() []string {
	known := make([]string, 0, len(l.index))
	for target := range l.index {
		known = append(known, target)
	}
	slices.Sort(known)
	return known
}

// Faults are those that may still strike.
func (l *Lab) Faults() []Fault {
	all := []Fault{}
	for _, target := range l.targets() {
		all = append(all, l.index[target].list()...)
	}
	return all
}

// ClearFaults makes one part well again, or all of them where target is empty.
func (l *Lab) ClearFaults(target string) error {
	if target != "" && l.index[target] == nil {
		return l.unknownTarget(target)
	}
	for name, part := range l.index {
		if target == "" || target == name {
			part.clear()
		}
	}
	return nil
}

// machineFaults are also those of the BMC's record of its machine, and of the
// other end where two cables are swapped.
type machineFaults struct {
	*machine.Machine
	lab *Lab
	bmc *redfish.BMC
}

func (m machineFaults) set(f Fault) error {
	parsed, err := machine.ParseFault(f.Name, f.Times, time.Duration(f.Delay))
	if err != nil {
		return err
	}
	m.SetFault(parsed)
	twin := m.lab.twin(m.ID())
	switch {
	case twin == nil:
	case parsed.Name == machine.SwappedCables:
		m.lab.machineOf(twinOf(m.lab.config.Site, m.ID())).SetFault(parsed)
	case parsed.Name == machine.DuplicateSerial:
		m.bmc.Relabel(twin.Serial)
	}
	return nil
}

func (m machineFaults) list() (all []Fault) {
	for _, f := range m.Faults() {
		all = append(all, Fault{"machine/" + string(m.ID()), string(f.Name), f.Times, Duration(f.Delay)})
	}
	return all
}

// clear plugs the twin's cable back as well.
func (m machineFaults) clear() {
	m.ClearFaults()
	if other := m.lab.machineOf(twinOf(m.lab.config.Site, m.ID())); other != nil {
		other.ClearFault(machine.SwappedCables)
	}
	m.bmc.Relabel(redfish.Serial(string(m.ID())))
}

type switchFaults struct{ *netconf.Switch }

func (s switchFaults) set(f Fault) error {
	parsed, err := netconf.ParseFault(f.Name, f.Times, time.Duration(f.Delay))
	if err == nil {
		s.SetFault(parsed)
	}
	return err
}

func (s switchFaults) list() (all []Fault) {
	for _, f := range s.Faults() {
		all = append(all, Fault{"switch/" + s.Name(), string(f.Name), f.Times, Duration(f.Delay)})
	}
	return all
}

func (s switchFaults) clear() { s.ClearFaults() }

type bmcFaults struct {
	target string
	bmc    *redfish.BMC
}

func (b bmcFaults) set(f Fault) error {
	parsed, err := redfish.ParseFault(f.Name, f.Times, time.Duration(f.Delay))
	if err == nil {
		b.bmc.SetFault(parsed)
	}
	return err
}

func (b bmcFaults) list() (all []Fault) {
	for _, f := range b.bmc.Faults() {
		all = append(all, Fault{b.target, f.Name, f.Times, Duration(f.Delay)})
	}
	return all
}

func (b bmcFaults) clear() { b.bmc.ClearFaults() }
