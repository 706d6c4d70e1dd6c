package lab_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab"
	"millwright/internal/metal"
)

// ask makes one request to the lab's API, and reads the answer.
func ask(r *rig, method, path, body string, into any) int {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	answer := httptest.NewRecorder()
	r.lab.API().ServeHTTP(answer, request)
	require.NoError(r, json.Unmarshal(answer.Body.Bytes(), into), answer.Body.String())
	return answer.Code
}

func TestTheAPIShowsMachinesAndSwitches(t *testing.T) {
	t.Parallel()
	r := setup(t)
	boot := r.install()
	r.awaitReport(boot, metal.PhoneHome)
	var machines []lab.MachineState
	require.Equal(t, http.StatusOK, ask(r, "GET", "/machines", "", &machines))
	require.Len(t, machines, 2)
	require.Equal(t, "tor-r1:xe-0/0/0", machines[0].Port)
	require.Equal(t, "web1", machines[0].Disks[0].FirstBoot.Hostname)
	require.True(t, machines[1].Disks[0].Empty)

	var one lab.MachineState
	require.Equal(t, http.StatusOK, ask(r, "GET", "/machines/m2", "", &one))
	require.Equal(t, metal.Off, one.Power)

	var switches []lab.SwitchState
	require.Equal(t, http.StatusOK, ask(r, "GET", "/switches", "", &switches))
	require.Equal(t, r.boot.machine("m1").Install.Switch(), switches[0].Ports["xe-0/0/0"].Install.Addr())
	require.Equal(t, r.file.Boot, switches[0].Ports["xe-0/0/0"].Relay)
	require.Positive(t, switches[0].Commits)
}

func TestTheAPISetsAndClearsFaults(t *testing.T) {
	t.Parallel()
	r := setup(t)
	var faults []lab.Fault
	one := `{"target": "machine/m1", "fault": "slow", "delay": "5s"}`
	require.Equal(t, http.StatusOK, ask(r, "PUT", "/faults", one, &faults))
	require.Len(t, faults, 1)
	list := `[{"target": "bmc/m1", "fault": "lies-on", "times": 1}, {"target": "switch/tor-r1", "fault": "lock-held"}]`
	require.Equal(t, http.StatusOK, ask(r, "PUT", "/faults", list, &faults))
	require.Len(t, faults, 3)
	require.Equal(t, http.StatusOK, ask(r, "DELETE", "/faults?target=machine/m1", "", &faults))
	require.Len(t, faults, 2)
	require.Equal(t, http.StatusOK, ask(r, "DELETE", "/faults", "", &faults))
	require.Empty(t, faults)
}

func TestTheAPISaysWhatIsWrongWithARequest(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for body, want := range map[string]string{
		`{"target": "machine/m9", "fault": "slow"}`:               `unknown target "machine/m9"`,
		`{"target": "machine/m1", "fault": "slow", "delay": "x"}`: `want a duration such as 5s`,
		`{"target": "machine/m1", "fault": "slow", "time": 3}`:    `unknown field`,
		`nonsense`: `read faults`,
	} {
		var said map[string]string
		require.Equal(t, http.StatusBadRequest, ask(r, "PUT", "/faults", body, &said))
		require.Contains(t, said["error"], want)
	}
	var said map[string]string
	require.Equal(t, http.StatusBadRequest, ask(r, "GET", "/machines/m9", "", &said))
	require.Equal(t, `lab: machine "m9": no such machine`, said["error"])
}
