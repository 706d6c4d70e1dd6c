package lab_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab"
	"millwright/internal/lab/redfish"
)

func TestTheAPIShowsWhatIsAskedOfBMCs(t *testing.T) {
	t.Parallel()
	r := setup(t)
	_, err := r.bmcs.Power(t.Context(), r.file.Machines[0].BMC)
	require.NoError(t, err)
	var all []lab.BMCState
	require.Equal(t, http.StatusOK, ask(r, "GET", "/bmcs", "", &all))
	require.Len(t, all, 2)
	require.Positive(t, all[0].Load.Requests)
	require.Equal(t, 1, all[0].Load.MostSessions)
	require.Zero(t, all[1].Load.Requests)
	require.Equal(t, []string{"admin"}, all[0].Users)
	require.Equal(t, map[string]string{"bios": redfish.BIOSVersion, "bmc": redfish.BMCVersion}, all[0].Firmware)
}

func TestTheAPIRaisesTemperaturesAndWritesIntoLogs(t *testing.T) {
	t.Parallel()
	r := setup(t)
	var state lab.BMCState
	require.Equal(t, http.StatusOK, ask(r, "PUT", "/bmcs/m1/sensors", `{"name": "CPU1 Temp", "value": 97}`, &state))
	require.Equal(t, http.StatusOK, ask(r, "POST", "/bmcs/m1/log", `{"severity": "critical", "message": "the roof leaks"}`, &state))
	require.EqualValues(t, "m1", state.ID)
	reading, err := r.bmcs.Read(t.Context(), r.file.Machines[0].BMC, "")
	require.NoError(t, err)
	require.Equal(t, "the roof leaks", reading.Log[0].Message)
	for _, s := range reading.Sensors {
		if s.Name == "CPU1 Temp" {
			require.EqualValues(t, 97, *s.Value)
		}
	}
	for body, want := range map[string]string{`{"name": "Attic"}`: "want one of CPU1 Temp", `{"nam": 1}`: "unknown field"} {
		var said map[string]string
		require.Equal(t, http.StatusBadRequest, ask(r, "PUT", "/bmcs/m1/sensors", body, &said))
		require.Contains(t, said["error"], want)
	}
	var said map[string]string
	require.Equal(t, http.StatusBadRequest, ask(r, "GET", "/bmcs/m9", "", &said))
	require.Contains(t, said["error"], "no such machine")
}

func TestFaultsOfBMCsAreListedUntilTheyAreSpent(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, name := range []string{"hot-cpu", "extra-user", "sensor:12V=9"} {
		require.NoError(t, r.lab.SetFault(lab.Fault{Target: "bmc/m1", Name: name}))
	}
	require.Equal(t, []lab.Fault{{Target: "bmc/m1", Name: "hot-cpu"}}, r.lab.Faults(), "the others are done at once")
	b, err := r.lab.BMC("m1")
	require.NoError(t, err)
	require.Equal(t, []string{"admin", "backdoor"}, b.Users())
}
