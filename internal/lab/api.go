package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"

	"millwright/internal/lab/machine"
	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
)

// MachineState is what can be seen of a machine, its BMC and its cable.
type MachineState struct {
	machine.State
	Rack  metal.RackID `json:"rack"`
	Port  string       `json:"port"`
	Power metal.Power  `json:"power"` // what it is, whatever its BMC says
}

// SwitchState is what can be seen of a switch.
type SwitchState struct {
	ID      metal.SwitchID       `json:"id"`
	Rack    metal.RackID         `json:"rack"`
	Commits int                  `json:"commits"`
	Ports   map[string]PortState `json:"ports"` // by name, those that are configured
}

// PortState is what a port's running configuration makes of it.
type PortState struct {
	Up        bool           `json:"up"`
	Install   netip.Prefix   `json:"install,omitzero"` // with the switch's end as its address
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	Relay     []netip.Addr   `json:"relay,omitempty"`
}

// Machines is a picture of every machine, in the site file's order.
func (l *Lab) Machines() []MachineState {
	all := make([]MachineState, len(l.machines))
	for i, m := range l.machines {
		described := l.config.Site.Machines[i]
		all[i] = MachineState{m.State(), described.Rack, described.Port.String(), l.bmcs[i].Power()}
	}
	return all
}

// Machine is a picture of one.
func (l *Lab) Machine(id metal.MachineID) (MachineState, error) {
	for i, m := range l.config.Site.Machines {
		if m.ID == id {
			return MachineState{l.machines[i].State(), m.Rack, m.Port.String(), l.bmcs[i].Power()}, nil
		}
	}
	return MachineState{}, fmt.Errorf("lab: machine %q: %w", id, metal.ErrUnknownMachine)
}

// Switches is a picture of every switch, in the site file's order.
func (l *Lab) Switches() []SwitchState {
	all := make([]SwitchState, len(l.switches))
	for i, sw := range l.switches {
		all[i] = SwitchState{
			ID: l.config.Site.Switches[i].ID, Rack: l.config.Site.Switches[i].Rack,
			Commits: sw.Commits(), Ports: map[string]PortState{},
		}
		for name, state := range sw.Ports() {
			all[i].Ports[name] = PortState(state)
		}
	}
	return all
}

// Switch is one switch itself: to say whom it hears and how its BGP stands.
func (l *Lab) Switch(id metal.SwitchID) (*netconf.Switch, error) {
	for _, sw := range l.switches {
		if sw.Name() == string(id) {
			return sw, nil
		}
	}
	return nil, fmt.Errorf("lab: there is no switch %q", id)
}

// API shows and breaks the lab over HTTP. It has no login: whoever may reach
// it may break a lab, which is what it is for.
func (l *Lab) API() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /machines", func(w http.ResponseWriter, _ *http.Request) { answer(w, l.Machines(), nil) })
	mux.HandleFunc("GET /machines/{id}", func(w http.ResponseWriter, r *http.Request) {
		state, err := l.Machine(metal.MachineID(r.PathValue("id")))
		answer(w, state, err)
	})
	mux.HandleFunc("GET /bmcs", func(w http.ResponseWriter, _ *http.Request) { answer(w, l.BMCs(), nil) })
	mux.HandleFunc("GET /bmcs/{id}", l.showBMC)
	mux.HandleFunc("PUT /bmcs/{id}/sensors", l.putSensor)
	mux.HandleFunc("POST /bmcs/{id}/log", l.postLog)
	mux.HandleFunc("GET /switches", func(w http.ResponseWriter, _ *http.Request) { answer(w, l.Switches(), nil) })
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { answer(w, l.Faults(), nil) })
	mux.HandleFunc("PUT /faults", func(w http.ResponseWriter, r *http.Request) {
		err := l.putFaults(http.MaxBytesReader(w, r.Body, 1<<20))
		answer(w, l.Faults(), err)
	})
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, r *http.Request) {
		err := l.ClearFaults(r.URL.Query().Get("target"))
		answer(w, l.Faults(), err)
	})
	return mux
}

// putFaults sets one fault, or each of a list. The first that makes no sense
// ends it; those before it stay set.
func (l *Lab) putFaults(body io.Reader) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("read faults: %w", err)
	}
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] != '[' {
		text = append(append([]byte("["), text...), ']')
	}
	var faults []Fault
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&faults); err != nil {
		return fmt.Errorf("read faults: %w; want {\"target\": \"machine/m1\", \"fault\": \"…\", \"times\": 1, \"delay\": \"5s\"}", err)
	}
	for _, f := range faults {
		if err := l.SetFault(f); err != nil {
			return err
		}
	}
	return nil
}

// answer is the value, or the error as one sentence with a status that says
// whose it is: everything that goes wrong here is in the request.
func answer(w http.ResponseWriter, value any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		value = map[string]string{"error": err.Error()}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(value) // the reader went away; there is nobody to tell
}
