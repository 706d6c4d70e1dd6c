package redfish_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/redfish"
)

const (
	lan     = "/redfish/v1/Managers/1/EthernetInterfaces/1"
	restart = "/redfish/v1/Managers/1/Actions/Manager.Reset"
	uploads = "/redfish/v1/UpdateService/upload-multipart"
	bootopt = system + "/BootOptions"
)

func TestEveryLinkOfTheTreeLeadsSomewhere(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.SetFault(redfish.Fault{Name: redfish.MemoryErrors})
	seen := map[string]bool{}
	var walk func(path string)
	walk = func(path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		status, _, answer := r.do(t, http.MethodGet, path, nil)
		require.Equal(t, http.StatusOK, status, path)
		require.Equal(t, path, answer["@odata.id"])
		for _, next := range linksOf(answer) {
			walk(next)
		}
	}
	walk("/redfish/v1")
	require.Greater(t, len(seen), 40)
	require.True(t, seen["/redfish/v1/Systems/1/Storage/1/Drives/1"])
	require.True(t, seen["/redfish/v1/Managers/1/LogServices/Sel/Entries"])
}

// linksOf are all objects in an answer that are links and nothing else.
func linksOf(value any) (paths []string) {
	switch v := value.(type) {
	case map[string]any:
		if path, ok := v["@odata.id"].(string); ok && len(v) == 1 {
			return []string{path}
		}
		for _, inner := range v {
			paths = append(paths, linksOf(inner)...)
		}
	case []any:
		for _, inner := range v {
			paths = append(paths, linksOf(inner)...)
		}
	}
	return paths
}

func TestACollectionIsExpandedOnDemand(t *testing.T) {
	t.Parallel()
	r := setup(t)
	_, _, plain := r.do(t, http.MethodGet, system+"/Memory", nil)
	require.Len(t, plain["Members"].([]any)[0], 1, "a link")
	_, _, expanded := r.do(t, http.MethodGet, system+"/Memory?$expand=.($levels=1)", nil)
	require.EqualValues(t, 8192, expanded["Members"].([]any)[0].(map[string]any)["CapacityMiB"])
	_, _, deep := r.do(t, http.MethodGet, system+"/Storage?$expand=*($levels=2)", nil)
	store := deep["Members"].([]any)[0].(map[string]any)
	require.Equal(t, "LAB-m7-1", store["Drives"].([]any)[0].(map[string]any)["SerialNumber"])
	for _, wrong := range []string{"$expand=*($levels=9)", "$expand=all", "$filter=x"} {
		status, _, _ := r.do(t, http.MethodGet, system+"/Memory?"+wrong, nil)
		require.Equal(t, http.StatusNotImplemented, status, wrong)
	}
}

func TestWhatWasDoneToABMCStaysUntilItIsPutRight(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, deed := range []string{redfish.ChangedLAN, redfish.BootEntry, redfish.WrongFirmware} {
		r.SetFault(redfish.Fault{Name: deed})
	}
	require.Empty(t, r.Faults(), "deeds are done, and not armed")
	r.ClearFaults()
	require.Equal(t, "1.0.9", r.Firmware()["bios"])
	_, _, now := r.do(t, http.MethodGet, lan, nil)
	require.Equal(t, true, now["DHCPv4"].(map[string]any)["DHCPEnabled"])
	status, _, _ := r.do(t, http.MethodPatch, lan, map[string]any{
		"DHCPv4": map[string]any{"DHCPEnabled": false}, "IPv4StaticAddresses": []map[string]any{{"Address": "192.0.2.7", "SubnetMask": "255.255.255.0"}},
	})
	require.Equal(t, http.StatusNoContent, status)
	_, _, now = r.do(t, http.MethodGet, lan, nil)
	address := now["IPv4Addresses"].([]any)[0].(map[string]any)
	require.Equal(t, []any{"192.0.2.7", "Static"}, []any{address["Address"], address["AddressOrigin"]})

	order := func() any {
		_, _, s := r.do(t, http.MethodGet, system, nil)
		return s["Boot"].(map[string]any)["BootOrder"]
	}
	require.Equal(t, []any{"Boot0010", "Boot0001", "Boot0002"}, order())
	status, _, _ = r.do(t, http.MethodDelete, bootopt+"/Boot0010", nil)
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, []any{"Boot0001", "Boot0002"}, order())
	reorder := map[string]any{"Boot": map[string]any{"BootOrder": []string{"Boot0002", "Boot0001"}}}
	status, _, _ = r.do(t, http.MethodPatch, system, reorder)
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, []any{"Boot0002", "Boot0001"}, order())
}

func TestABMCThatRestartsIsAwayForAMomentAndForgetsSessions(t *testing.T) {
	t.Parallel()
	r := setup(t)
	h := redfish.Usual("m7")
	h.Restart = 200 * time.Millisecond
	r.Fit(h)
	_, token, _ := r.login(t, "secret")
	status, _, _ := r.do(t, http.MethodPost, restart, map[string]string{"ResetType": "GracefulRestart"})
	require.Equal(t, http.StatusNoContent, status)
	_, err := r.client.Do(r.request(t, http.MethodGet, "/redfish/v1", nil))
	require.Error(t, err, "nobody is there")
	require.Eventually(t, func() bool {
		resp, err := r.client.Do(r.request(t, http.MethodGet, "/redfish/v1", nil))
		return err == nil && resp.Body.Close() == nil
	}, 10*time.Second, 10*time.Millisecond)
	req := r.request(t, http.MethodGet, system, nil)
	req.Header.Set("X-Auth-Token", token)
	status, _, _ = r.send(t, req)
	require.Equal(t, http.StatusUnauthorized, status)
	require.Equal(t, 1, r.Restarts())
}

// upload pushes an image in a form, and gives the task's address.
func (r *rig) upload(t *testing.T, image []byte) (int, string) {
	t.Helper()
	return r.uploadFor(t, image, `{"Targets": [], "@Redfish.OperationApplyTime": "Immediate"}`)
}

func (r *rig) uploadFor(t *testing.T, image []byte, parameters string) (int, string) {
	t.Helper()
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	require.NoError(t, writer.WriteField("UpdateParameters", parameters))
	part, err := writer.CreateFormFile("UpdateFile", "firmware.bin")
	require.NoError(t, err)
	_, _ = part.Write(image)
	require.NoError(t, writer.Close())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+uploads, &form)
	require.NoError(t, err)
	req.Header.Set("Content-Type", writer.FormDataContentType())
	req.SetBasicAuth("admin", "secret")
	status, header, _ := r.send(t, req)
	return status, header.Get("Location")
}

func (r *rig) awaitTask(t *testing.T, at, state string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, _, task := r.do(t, http.MethodGet, at, nil)
		return task["TaskState"] == state
	}, 10*time.Second, 10*time.Millisecond, state)
}

func TestAPushedFirmwareOfTheBMCRestartsIt(t *testing.T) {
	t.Parallel()
	r := setup(t)
	h := redfish.Usual("m7")
	h.Restart = 0
	r.Fit(h)
	status, at := r.upload(t, redfish.FirmwareImage("bmc", "3.12"))
	require.Equal(t, http.StatusAccepted, status)
	status, _, _ = r.do(t, http.MethodGet, at+"/Monitor", nil)
	require.Contains(t, []int{http.StatusAccepted, http.StatusOK}, status)
	second, _ := r.upload(t, redfish.FirmwareImage("bmc", "3.13"))
	require.Equal(t, http.StatusServiceUnavailable, second, "one at a time")
	r.awaitTask(t, at, "Completed")
	require.Equal(t, "3.12", r.Firmware()["bmc"])
	require.Equal(t, 1, r.Restarts())
}

func TestAnUpdateThatCannotBeEndsInAnException(t *testing.T) {
	t.Parallel()
	r := setup(t)
	_, at := r.upload(t, []byte("a picture of a cat"))
	r.awaitTask(t, at, "Exception")
	r.SetFault(redfish.Fault{Name: redfish.UpdateFails, Times: 1})
	_, at = r.upload(t, redfish.FirmwareImage("bios", "9.9"))
	r.awaitTask(t, at, "Exception")
	require.Equal(t, redfish.BIOSVersion, r.Firmware()["bios"])
	r.SetFault(redfish.Fault{Name: redfish.VanishingTask})
	_, at = r.upload(t, redfish.FirmwareImage("bios", "9.9"))
	require.Eventually(t, func() bool {
		status, _, _ := r.do(t, http.MethodGet, at, nil)
		return status == http.StatusNotFound
	}, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, "9.9", r.Firmware()["bios"])
}

func TestAnUpdateMayWaitForTheNextPowerOn(t *testing.T) {
	t.Parallel()
	r := setup(t)
	status, _ := r.uploadFor(t, redfish.FirmwareImage("bios", "2.6"), `{"Targets": ["/redfish/v1/Systems/1"]}`)
	require.Equal(t, http.StatusBadRequest, status, "it is no firmware")
	_, at := r.uploadFor(t, redfish.FirmwareImage("bios", "2.6"),
		`{"Targets": ["/redfish/v1/UpdateService/FirmwareInventory/BIOS"], "@Redfish.OperationApplyTime": "OnReset"}`)
	r.awaitTask(t, at, "Pending")
	require.Equal(t, redfish.BIOSVersion, r.Firmware()["bios"])
	require.Equal(t, http.StatusNoContent, r.reset(t, "On"))
	r.awaitTask(t, at, "Completed")
	require.Equal(t, "2.6", r.Firmware()["bios"])
}

func TestABMCWithoutSessionsShowsNone(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.SetFault(redfish.Fault{Name: redfish.NoSessions})
	for _, path := range []string{"/redfish/v1/SessionService", sessions} {
		status, _, _ := r.do(t, http.MethodGet, path, nil)
		require.Equal(t, http.StatusNotFound, status)
	}
	_, _, root := r.do(t, http.MethodGet, "/redfish/v1", nil)
	require.NotContains(t, root, "SessionService")
}

func TestFaultsMaySayASensorOrAnEntry(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"sensor:CPU1 Temp=97", "log:critical:the roof leaks", "hot-cpu", "boot-entry"} {
		_, err := redfish.ParseFault(good, 0, 0)
		require.NoError(t, err)
	}
	for bad, want := range map[string]string{
		"sensor:Attic=1": "want \"sensor:NAME=NUMBER\" with one of CPU1 Temp", "sensor:12V=much": "NUMBER",
		"log:shrill:x": `want "log:ok:WORDS"`, "log:ok:": "WORDS",
	} {
		_, err := redfish.ParseFault(bad, 0, 0)
		require.ErrorContains(t, err, want)
	}
	r := setup(t)
	r.SetFault(redfish.Fault{Name: "sensor:CPU1 Temp=97"})
	_, _, thermal := r.do(t, http.MethodGet, "/redfish/v1/Chassis/1/Thermal", nil)
	require.EqualValues(t, 97, thermal["Temperatures"].([]any)[0].(map[string]any)["ReadingCelsius"])
}
