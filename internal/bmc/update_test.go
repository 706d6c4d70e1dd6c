package bmc_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

func imageOf(content []byte) metal.FirmwareImage {
	return metal.FirmwareImage{
		Name: "image.bin", Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	}
}

// awaitUpdate asks until an update is over. A BMC restarts with new firmware,
// and does not answer then.
func (r *rack) awaitUpdate(t *testing.T, task string) (last metal.UpdateProgress) {
	t.Helper()
	require.Eventually(t, func() bool {
		progress, err := r.driver.UpdateStatus(t.Context(), r.record, task)
		last = progress
		return err == nil && (progress.State == metal.UpdateDone || progress.State == metal.UpdateFailed)
	}, 20*time.Second, 50*time.Millisecond)
	return last
}

func TestFirmwareIsUpdatedAndGoesBack(t *testing.T) {
	t.Parallel()
	r := setup(t)
	image := imageOf(redfish.FirmwareImage("bios", "2.5.0"))
	task, err := r.driver.BeginUpdate(t.Context(), r.record, "bios", image)
	require.NoError(t, err)
	again, err := r.driver.BeginUpdate(t.Context(), r.record, "bios", image)
	require.NoError(t, err)
	require.Equal(t, task, again, "an update that is under way is not begun twice")
	require.Equal(t, metal.UpdateDone, r.awaitUpdate(t, task).State)
	require.Equal(t, "2.5.0", r.Firmware()["bios"])
	list, err := r.driver.Firmware(t.Context(), r.record)
	require.NoError(t, err)
	require.Contains(t, list, metal.FirmwareVersion{Component: "bios", Version: "2.5.0", ID: "BIOS", Updatable: true})

	task, err = r.driver.Rollback(t.Context(), r.record, "bios")
	require.NoError(t, err)
	require.Equal(t, metal.UpdateDone, r.awaitUpdate(t, task).State)
	require.Equal(t, redfish.BIOSVersion, r.Firmware()["bios"])
}

func TestABMCFetchesItsImage(t *testing.T) {
	t.Parallel()
	r := setup(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(redfish.FirmwareImage("bios", "2.6.0"))
	}))
	t.Cleanup(server.Close)
	task, err := r.driver.BeginUpdate(t.Context(), r.record, "bios", metal.FirmwareImage{URL: server.URL + "/bios.bin"})
	require.NoError(t, err)
	require.Equal(t, metal.UpdateDone, r.awaitUpdate(t, task).State)
	require.Equal(t, "2.6.0", r.Firmware()["bios"])
}

func TestATaskThatVanishesIsOver(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.arm(t, redfish.VanishingTask, 0, 0)
	task, err := r.driver.BeginUpdate(t.Context(), r.record, "bios", imageOf(redfish.FirmwareImage("bios", "2.7.0")))
	require.NoError(t, err)
	require.Equal(t, metal.UpdateProgress{State: metal.UpdateDone, Detail: "the BMC knows the task no more"}, r.awaitUpdate(t, task))
	require.Equal(t, "2.7.0", r.Firmware()["bios"])
}

func TestAnImageThatIsNoneFailsItsTask(t *testing.T) {
	t.Parallel()
	r := setup(t)
	task, err := r.driver.BeginUpdate(t.Context(), r.record, "bios", imageOf([]byte("not firmware")))
	require.NoError(t, err)
	require.Equal(t, metal.UpdateFailed, r.awaitUpdate(t, task).State)
	require.Equal(t, redfish.BIOSVersion, r.Firmware()["bios"])
	_, err = r.driver.BeginUpdate(t.Context(), r.record, "toaster", imageOf(nil))
	require.ErrorIs(t, err, metal.ErrUnsupported)
}
