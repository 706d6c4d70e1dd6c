package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

// BMCState is what can be seen of a BMC. Passwords cannot.
type BMCState struct {
	ID       metal.MachineID   `json:"id"` // of its machine
	Load     redfish.Load      `json:"load"`
	Users    []string          `json:"users"`
	Firmware map[string]string `json:"firmware"` // by component
	Restarts int               `json:"restarts"`
	Faults   []string          `json:"faults,omitempty"`
}

// BMCs is a picture of every BMC, in the site file's order.
func (l *Lab) BMCs() []BMCState {
	all := make([]BMCState, len(l.bmcs))
	for i, b := range l.bmcs {
		all[i] = stateOf(l.config.Site.Machines[i].ID, b)
	}
	return all
}

func stateOf(id metal.MachineID, b *redfish.BMC) BMCState {
	s := BMCState{ID: id, Load: b.Load(), Users: b.Users(), Firmware: b.Firmware(), Restarts: b.Restarts()}
	for _, f := range b.Faults() {
		s.Faults = append(s.Faults, f.Name)
	}
	return s
}

// BMC is one BMC itself: to raise its temperatures, to write into its log, and
// to see what is asked of it.
func (l *Lab) BMC(id metal.MachineID) (*redfish.BMC, error) {
	for i, m := range l.config.Site.Machines {
		if m.ID == id {
			return l.bmcs[i], nil
		}
	}
	return nil, fmt.Errorf("lab: BMC of machine %q: %w", id, metal.ErrUnknownMachine)
}

func (l *Lab) showBMC(w http.ResponseWriter, r *http.Request) {
	id := metal.MachineID(r.PathValue("id"))
	b, err := l.BMC(id)
	if err != nil {
		answer(w, nil, err)
		return
	}
	answer(w, stateOf(id, b), nil)
}

// putSensor makes a sensor read otherwise.
func (l *Lab) putSensor(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Name  string  `json:"name"`
		Value float64 `json:"value"`
	}
	l.tell(w, r, &asked, func(b *redfish.BMC) error { return b.SetSensor(asked.Name, asked.Value) })
}

// postLog writes an entry into the event log. Severities are those of the
// faults that do the same: ok, warning and critical.
func (l *Lab) postLog(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Severity string `json:"severity"`
		Message  string `json:"message"`
	}
	l.tell(w, r, &asked, func(b *redfish.BMC) error {
		f, err := redfish.ParseFault("log:"+strings.ToLower(asked.Severity)+":"+asked.Message, 0, 0)
		if err == nil {
			b.SetFault(f)
		}
		return err
	})
}

// tell reads a request about a BMC, does it, and answers with the BMC's state.
func (l *Lab) tell(w http.ResponseWriter, r *http.Request, asked any, do func(*redfish.BMC) error) {
	b, err := l.BMC(metal.MachineID(r.PathValue("id")))
	if err == nil {
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(asked)
	}
	if err == nil {
		err = do(b)
	}
	if err != nil {
		answer(w, nil, err)
		return
	}
	l.showBMC(w, r)
}
