package rig_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
	"millwright/internal/rig"
)

// An operator has a machine from the day it comes in to the day it leaves, with
// the commands of the manual.
func TestAnOperatorKeepsAMachineThroughItsLife(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Unproven: true, Limits: patient, Every: time.Hour})
	operator := func(args ...string) string {
		t.Helper()
		out, err := r.Run(t.Context(), "starter", append([]string{"machine"}, args...)...)
		require.NoError(t, err, "starter machine %v: %s", args, out)
		return out
	}
	state := func(want metal.MachineState) {
		t.Helper()
		m, err := r.Store.Queries().GetMachine(t.Context(), "m1")
		require.NoError(t, err)
		require.Equal(t, string(want), m.State, m.Reason)
	}
	state(metal.Enrolled)
	operator("commission", "m1", "--wait")
	state(metal.Idle)
	require.Contains(t, operator("show", "m1"), "idle")
	operator("read", "m1")
	require.Contains(t, operator("health", "m1"), "CPU1 Temp")
	operator("rotate", "m1")
	operator("reset-bmc", "m1")
	operator("clear-log", "m1")
	operator("inspect", "m1", "--wait")
	state(metal.Idle)

	image := redfish.FirmwareImage("bios", "9.9")
	sum := sha256.Sum256(image)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.ServeContent(w, req, "bios.bin", time.Time{}, bytes.NewReader(image))
	}))
	t.Cleanup(server.Close)
	out, err := r.Run(t.Context(), "starter", "machine", "firmware", "update", "m1", "--component", "bios", "--version", "9.9",
		"--url", server.URL+"/bios.bin", "--sha256", hex.EncodeToString(sum[:]), "--wait")
	bmc, missing := r.Lab.BMC("m1")
	require.NoError(t, missing)
	require.Equal(t, "9.9", bmc.Firmware()["bios"], fmt.Sprint(out, err))
	state(metal.Quarantined) // it is not the plan's baseline any more
	require.Contains(t, operator("issues", "m1"), "wrong-firmware")

	operator("maintain", "m1", "--until", "1h", "--reason", "to be flashed back")
	operator("power", "m1", "on")
	operator("power", "m1", "off")
	operator("restore", "m1", "--reason", "leaves")
	state(metal.Enrolled)
	operator("retire", "m1", "--yes", "--wait")
	state(metal.Retired)
	out, err = r.Run(t.Context(), "starter", "certificates", "--machine", "m1")
	require.NoError(t, err)
	require.Contains(t, out, "full")
	leaks, err := r.Store.Leaks(t.Context())
	require.NoError(t, err)
	require.Empty(t, leaks)
}
