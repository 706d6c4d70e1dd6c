package bmc_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/bmc/ipmitest"
	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

// withConsole is the lab's BMC with a manager that has more to say.
func withConsole(t *testing.T, manager, network string) (*redfish.BMC, metal.BMC, *bmc.Driver) {
	t.Helper()
	cred := metal.Credential{User: "admin", Password: ipmitest.Password}
	lab := redfish.New("m7", cred, &notes{}, nil)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := map[string]string{"/redfish/v1/Managers/1": manager, "/redfish/v1/Managers/1/NetworkProtocol": network}[r.URL.Path]
		switch {
		case said == "":
			lab.ServeHTTP(w, r)
		case r.Header.Get("X-Auth-Token") == "":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			fmt.Fprint(w, said)
		}
	}))
	t.Cleanup(server.Close)
	sum := sha256.Sum256(server.Certificate().Raw)
	return lab, metal.BMC{
			Machine: "m7", Address: server.Listener.Addr().String(), Protocol: metal.Redfish,
			Credential: "bmc/m7", CipherSuite: "3", Fingerprint: hex.EncodeToString(sum[:]),
		}, &bmc.Driver{
			Credentials: func(context.Context, string) (metal.Credential, error) { return cred, nil },
		}
}

func TestARedfishBMCsConsoleIsReadWhereItSaysItIs(t *testing.T) {
	t.Parallel()
	sim := ipmitest.Start(t)
	machine := sim.Machine(t)
	lab, record, driver := withConsole(t,
		`{"SerialConsole": {"ServiceEnabled": true, "ConnectTypesSupported": ["SSH", "IPMI"]},
		  "NetworkProtocol": {"@odata.id": "/redfish/v1/Managers/1/NetworkProtocol"}}`,
		fmt.Sprintf(`{"IPMI": {"ProtocolEnabled": true, "Port": %d}}`, sim.Port))
	for _, sessions := range []int{0, 1} {
		record.Sessions = sessions
		c, err := driver.Console(t.Context(), record)
		require.NoError(t, err)
		require.Zero(t, lab.Sessions(), "the question's own session is closed")
		shown := watch(c)
		_, err = machine.Write([]byte("hello"))
		require.NoError(t, err)
		shown.requireShows(t, "hello")
		power, err := driver.Power(t.Context(), record)
		require.NoError(t, err)
		require.Equal(t, metal.Off, power)
		require.NoError(t, c.Close())
	}
}

func TestARedfishBMCWithoutAConsoleWeReadSaysWhatItHas(t *testing.T) {
	t.Parallel()
	for manager, want := range map[string]string{
		`{"SerialConsole": {"ServiceEnabled": true, "ConnectTypesSupported": ["SSH", "<b>prose</b>"]}}`: "its console is offered over [SSH], and IPMI is what is read",
		`{"SerialConsole": {"ServiceEnabled": false, "ConnectTypesSupported": ["IPMI"]}}`:               "it offers no serial console",
		`{}`: "it offers no serial console",
	} {
		_, record, driver := withConsole(t, manager, "")
		_, err := driver.Console(t.Context(), record)
		require.ErrorIs(t, err, metal.ErrUnsupported)
		require.ErrorContains(t, err, want)
	}
	_, record, driver := withConsole(t, `{"SerialConsole": [`, "")
	_, err := driver.Console(t.Context(), record)
	require.ErrorContains(t, err, "GET /redfish/v1/Managers/1: answer is not the JSON of this resource")
	require.NotErrorIs(t, err, metal.ErrUnsupported)
}
