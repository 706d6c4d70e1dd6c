package bmc_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/metal"
)

// foreignBMC is a Redfish service that we did not write, with the mockup of a
// rack server that DMTF publishes. It says that it expands collections, and does
// not; gives out no tokens; and repeats its pages. TLS is put before it, and
// what a test wants hidden is not found.
type foreignBMC struct {
	inside string       // where it listens itself
	asked  atomic.Int64 // requests
	driver *bmc.Driver
	record metal.BMC
}

func setupForeign(t *testing.T, program string, hidden ...string) *foreignBMC {
	t.Helper()
	f := &foreignBMC{}
	inside := freeTCPAddress(t)
	serve := exec.Command(program, inside)
	require.NoError(t, serve.Start())
	t.Cleanup(func() { _ = serve.Process.Kill(); _ = serve.Wait() })

	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: inside})
	if slices.Contains(hidden, expanding) {
		proxy.ModifyResponse = hideExpanding
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked.Add(1)
		for _, path := range hidden {
			if strings.TrimSuffix(r.URL.Path, "/") == path {
				http.NotFound(w, r)
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", inside)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 20*time.Second, 10*time.Millisecond)
	sum := sha256.Sum256(server.Certificate().Raw)
	f.inside = inside
	f.driver = &bmc.Driver{
		Credentials: func(context.Context, string) (metal.Credential, error) {
			return metal.Credential{User: "Administrator", Password: password}, nil
		},
		Request: 5 * time.Second, Settle: 5 * time.Second,
	}
	f.record = metal.BMC{
		Machine: "m9", Address: server.Listener.Addr().String(), Protocol: metal.Redfish,
		Credential: "bmc/m9", Fingerprint: hex.EncodeToString(sum[:]), Gap: time.Millisecond,
	}
	return f
}

// expanding, hidden, is a service that does not say that it expands.
const expanding = "expanding"

func hideExpanding(resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	body = bytes.ReplaceAll(body, []byte(`"NoLinks": true`), []byte(`"NoLinks": false`))
	body = bytes.ReplaceAll(body, []byte(`"ExpandAll": true`), []byte(`"ExpandAll": false`))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return err
}

// TestAgainstABMCOfOthers builds that service once, and starts one for each test.
func TestAgainstABMCOfOthers(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "redfish")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = "../../tools/redfish"
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for name, test := range map[string]func(t *testing.T, program string){
		"a foreign BMC is read":                                aForeignBMCIsRead,
		"sensors are read the new way where there is no other": sensorsAreReadTheNewWayWhereThereIsNoOther,
		"where nothing expands, summaries are read":            whereNothingExpandsSummariesAreRead,
		"a foreign BMC is identified":                          aForeignBMCIsIdentified,
		"a foreign BMC is brought in order":                    aForeignBMCIsBroughtInOrder,
		"a user who is only said to be removed is noticed":     aUserWhoIsOnlySaidToBeRemovedIsNoticed,
	} {
		t.Run(name, func(t *testing.T) { test(t, program) })
	}
}

// restart has its machine start anew. It is asked without us: bmclib wants a
// token for this, which it has none of.
func (f *foreignBMC) restart(t *testing.T) {
	t.Helper()
	resp, err := http.Post("http://"+f.inside+"/redfish/v1/Systems/437XR1138R2/Actions/ComputerSystem.Reset",
		"application/json", strings.NewReader(`{"ResetType":"ForceRestart"}`))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusAccepted, resp.StatusCode)
}

func freeTCPAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

func aForeignBMCIsRead(t *testing.T, program string) {
	t.Parallel()
	f := setupForeign(t, program)
	got, err := f.driver.Read(t.Context(), f.record, "")
	require.NoError(t, err)
	require.Empty(t, got.Missing)
	require.Equal(t, metal.On, got.Power)
	require.Equal(t, 344.0, *got.Watts)
	require.Equal(t, 45.0, *sensorOf(t, got, "CPU1 Temp").HighCritical)
	require.Equal(t, "disabled", sensorOf(t, got, "CPU2 Temp").State)
	require.Equal(t, 11.0, *sensorOf(t, got, "VRM1 Voltage").LowCritical)
	require.Equal(t, "warning", partOf(t, got, "Power Supply Bay 0").Health)
	require.Equal(t, "absent", partOf(t, got, "DIMM 4").Health)
	require.Equal(t, "fpga", partOf(t, got, "FPGA1").Kind)
	require.Equal(t, "warning", partOf(t, got, "SATA Bay 2").Health)
	require.Contains(t, got.Firmware, metal.FirmwareVersion{Component: "bios", Version: "P79 v1.45", ID: "BIOS", Updatable: true})
	require.Len(t, got.Log, 2, "a page that names itself as the next is read once")
	require.Equal(t, metal.Failing, got.Log[0].Severity)

	again, err := f.driver.Read(t.Context(), f.record, got.LogMark)
	require.NoError(t, err)
	require.Empty(t, again.Log)
}

// Redfish has deprecated Thermal and Power, and newer BMCs have neither.
func sensorsAreReadTheNewWayWhereThereIsNoOther(t *testing.T, program string) {
	t.Parallel()
	const chassis = "/redfish/v1/Chassis/1U/"
	f := setupForeign(t, program, chassis+"Thermal", chassis+"Power")
	got, err := f.driver.Read(t.Context(), f.record, "")
	require.NoError(t, err)
	require.Empty(t, got.Missing)
	require.Equal(t, 374.0, *got.Watts)
	require.Equal(t, 45.0, *sensorOf(t, got, "CPU #1 Temperature").HighCritical)
	fan := sensorOf(t, got, "CPU #1 Fan Speed")
	require.Equal(t, metal.Fan, fan.Kind)
	require.Equal(t, "%", fan.Unit)
	require.Equal(t, "psu", partOf(t, got, "Power Supply Bay 1").Kind)
}

func whereNothingExpandsSummariesAreRead(t *testing.T, program string) {
	t.Parallel()
	f := setupForeign(t, program, expanding)
	got, err := f.driver.Read(t.Context(), f.record, "")
	require.NoError(t, err)
	require.Empty(t, got.Missing)
	require.Equal(t, metal.Part{Kind: "memory", Name: "all", Health: "ok"}, partOf(t, got, "all"))
	require.Equal(t, []metal.FirmwareVersion{
		{Component: "bios", Version: "P79 v1.45 (12/06/2017)"}, {Component: "bmc", Version: "1.45.455b66-rev4"},
	}, got.Firmware)
	require.LessOrEqual(t, f.asked.Load(), int64(16))
	list, err := f.driver.Firmware(t.Context(), f.record)
	require.NoError(t, err)
	require.Len(t, list, 3)
}

func aForeignBMCIsIdentified(t *testing.T, program string) {
	t.Parallel()
	f := setupForeign(t, program)
	got, err := f.driver.Identify(t.Context(), f.record.Address, metal.Credential{User: "Administrator", Password: password})
	require.NoError(t, err)
	require.Equal(t, f.record.Fingerprint, got.Fingerprint)
	require.Equal(t, "Contoso", got.Vendor)
	require.Equal(t, "3500", got.Model)
	require.Equal(t, "437XR1138R2", got.Serial)
	require.Equal(t, []string{"12:44:6a:3b:04:11", "12:44:6a:3b:88:90"}, got.MACs, "cards that lead to the BMC, and VLANs, are none")
}

func aForeignBMCIsBroughtInOrder(t *testing.T, program string) {
	t.Parallel()
	f := setupForeign(t, program)
	want := metal.BMCWish{Boot: metal.BIOS, Settings: map[string]string{"ProcTurboMode": "Disabled", "NoSuch": "x"}, Address: "192.168.0.10"}
	found, err := f.driver.Secure(t.Context(), f.record, want)
	require.NoError(t, err)
	require.ElementsMatch(t, []metal.IssueKind{metal.WrongBootMode, metal.BMCSettings, metal.BMCSettings, metal.InBandOpen}, kindsOf(found))
	f.restart(t)
	require.Eventually(t, func() bool { // it takes settings over some time after it is on
		found, err = f.driver.Secure(t.Context(), f.record, want)
		return err == nil && len(found) == 1
	}, 20*time.Second, 50*time.Millisecond, "%v", found)
	require.Equal(t, metal.Note, found[0].Severity, "a setting that there is not")
}

// It answers a removal with 204, and does not remove.
func aUserWhoIsOnlySaidToBeRemovedIsNoticed(t *testing.T, program string) {
	t.Parallel()
	f := setupForeign(t, program)
	found, err := f.driver.Secure(t.Context(), f.record, metal.BMCWish{User: "millwright"})
	require.ErrorContains(t, err, "still listed")
	require.Contains(t, kindsOf(found), metal.BMCUsers, "what was found is told beside the error")
}
