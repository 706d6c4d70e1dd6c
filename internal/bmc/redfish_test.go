package bmc_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestPowerIsSetAndReadBack(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, want := range []metal.Power{metal.On, metal.Off} {
		require.NoError(t, r.driver.SetPower(t.Context(), r.record, want))
		require.Equal(t, want, r.Power())
		got, err := r.driver.Power(t.Context(), r.record)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	r.requireCalls(t, "on:", "off")
}

func TestSettingPowerTwiceActsOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.Off), "it is off from the start")
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.On))
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.On))
	r.requireCalls(t, "on:")
}

func TestCycleIsNotAPower(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.ErrorIs(t, r.driver.SetPower(t.Context(), r.record, "cycle"), metal.ErrUnsupported)
	require.Empty(t, r.chassis.read())
}

func TestPowerOnBootsFromTheDeviceOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.NoError(t, r.driver.PowerOn(t.Context(), r.record, metal.BootNetwork, metal.UEFI))
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.Off))
	require.NoError(t, r.driver.PowerOn(t.Context(), r.record, metal.BootDisk, metal.BIOS))
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.Off))
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.On))
	r.requireCalls(t, "on:network", "off", "on:disk", "off", "on:")
}

func TestBootOnceChoosesTheFirmware(t *testing.T) {
	t.Parallel()
	for firmware, mode := range map[metal.Firmware]string{metal.UEFI: "UEFI", metal.BIOS: "Legacy"} {
		r := setup(t)
		require.NoError(t, r.driver.BootOnce(t.Context(), r.record, metal.BootNetwork, firmware))
		require.Equal(t, map[string]any{"target": "Pxe", "enabled": "Once", "mode": mode}, r.boot(t))
		require.Equal(t, metal.Off, r.Power(), "choosing a boot device starts nothing")
	}
}

func TestPowerOnLeavesARunningMachineAlone(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.NoError(t, r.driver.PowerOn(t.Context(), r.record, metal.BootNetwork, metal.UEFI))
	require.NoError(t, r.driver.PowerOn(t.Context(), r.record, metal.BootNetwork, metal.UEFI))
	r.requireCalls(t, "on:network")
	require.Equal(t, "Disabled", r.boot(t)["enabled"], "a second attempt must not divert the boot after this one")
}

func TestUnknownBootDevicesAreRefusedBeforeTheBMCHearsOfThem(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.ErrorIs(t, r.driver.BootOnce(t.Context(), r.record, "floppy", metal.UEFI), metal.ErrUnsupported)
	require.ErrorIs(t, r.driver.BootOnce(t.Context(), r.record, metal.BootDisk, "coreboot"), metal.ErrUnsupported)
	require.Equal(t, "Disabled", r.boot(t)["enabled"])
}

func TestASessionIsOneConnectionAndIsClosed(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.NoError(t, r.driver.PowerOn(t.Context(), r.record, metal.BootNetwork, metal.UEFI))
	require.Equal(t, int64(1), r.accepts.Load(), "each further connection would be a TLS handshake of 100 ms and more")
	require.Zero(t, r.Sessions())
}

func TestManyCallersTakeTurns(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.record.Gap = time.Millisecond // its pace is another test's
	const callers = 24              // three times what the BMC has sessions for
	errs := make(chan error, callers)
	for range callers {
		go func() {
			_, err := r.driver.Power(t.Context(), r.record)
			errs <- err
		}()
	}
	for range callers {
		require.NoError(t, <-errs)
	}
}

func BenchmarkPowerOn(b *testing.B) {
	r := setup(b)
	for b.Loop() {
		require.NoError(b, r.driver.PowerOn(b.Context(), r.record, metal.BootNetwork, metal.UEFI))
		b.StopTimer()
		require.NoError(b, r.driver.SetPower(b.Context(), r.record, metal.Off))
		b.StartTimer()
	}
}

// boot reads the override past the driver.
func (r *rack) boot(t *testing.T) map[string]any {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // the lab's own certificate, which another test is about
		DisableKeepAlives: true,
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+r.record.Address+"/redfish/v1/Systems/1", nil)
	require.NoError(t, err)
	req.SetBasicAuth("admin", password)
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	var system struct{ Boot map[string]any }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&system))
	return map[string]any{
		"target":  system.Boot["BootSourceOverrideTarget"],
		"enabled": system.Boot["BootSourceOverrideEnabled"],
		"mode":    system.Boot["BootSourceOverrideMode"],
	}
}
