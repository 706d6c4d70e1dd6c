package rig_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/rig"
)

// backup copies both databases as they are at one moment, while all goes on, by
// the commands of docs/operations.md#backups.
func backup(t *testing.T, r *rig.Rig) (folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "backup")
	dsn, err := url.Parse(r.Stack.DSN)
	require.NoError(t, err)
	password, _ := dsn.User.Password()
	cmd := exec.CommandContext(t.Context(), program(t, "pg_basebackup"), "--host", dsn.Hostname(), "--port", dsn.Port(),
		"--username", dsn.User.Username(), "--pgdata", folder, "--wal-method", "stream", "--checkpoint", "fast", "--no-sync")
	cmd.Env = append(os.Environ(), "PGPASSWORD="+password)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return folder
}

// program is one of Postgres's own: Debian keeps them beside the server.
func program(t *testing.T, name string) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	require.NoError(t, err)
	if len(found) > 0 {
		return found[len(found)-1]
	}
	path, err := exec.LookPath(name)
	require.NoError(t, err)
	return path
}

// restore stops everything but the site, puts the backup in the place of the
// database, and starts everything again; note is what is done before the first
// worker runs.
func restore(t *testing.T, r *rig.Rig, folder string, note func()) {
	t.Helper()
	stop(r)
	r.Stack.Temporal.Kill()
	r.Stack.Postgres.Kill()
	data := filepath.Join(r.Stack.Dir, "postgres", "data")
	was, err := os.Stat(data)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(data))
	require.NoError(t, os.CopyFS(data, os.DirFS(folder)))
	owner := was.Sys().(*syscall.Stat_t)
	require.NoError(t, filepath.WalkDir(data, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = os.Lchown(path, int(owner.Uid), int(owner.Gid))
		}
		return err
	}))
	require.NoError(t, os.Chmod(data, 0o700))
	require.NoError(t, r.Stack.Postgres.Start(t.Context()))
	note()
	require.NoError(t, r.Stack.Temporal.Start(t.Context()))
	require.NoError(t, r.Boot.Start(t.Context()))
	require.NoError(t, r.Workers[0].Start(t.Context()))
	require.NoError(t, r.Starter.Start(t.Context()))
}

func stop(r *rig.Rig) {
	r.Workers[0].Kill()
	r.Boot.Kill()
	r.Starter.Kill()
}

// noted runs the command that an operator runs.
func noted(t *testing.T, r *rig.Rig, since time.Time) {
	t.Helper()
	out, err := r.Run(t.Context(), "starter", "restored", "--since", since.UTC().Format(time.RFC3339))
	require.NoError(t, err, out)
	require.Regexp(t, `touched by nobody: 9 machines, \d switches`, out)
}

// report is what an operator reads once nothing is in doubt any more.
type report struct {
	Called []metal.Called `json:"called"`
	GoesOn []metal.Called `json:"goes_on"`
}

func reported(t *testing.T, r *rig.Rig) (told report) {
	t.Helper()
	var out string
	require.Eventually(t, func() bool { // it exits 1 while something is in doubt
		var err error
		out, err = r.Run(t.Context(), "starter", "restored", "report", "-o", "json")
		return err == nil
	}, 5*time.Minute, time.Second, "something stays in doubt")
	require.NoError(t, json.Unmarshal([]byte(out), &told))
	return told
}

// on is where a device lives.
func on(t *testing.T, r *rig.Rig, device metal.DeviceID) query.MachineOfDeviceRow {
	t.Helper()
	m, err := r.Store.Queries().MachineOfDevice(t.Context(), string(device))
	require.NoError(t, err)
	return m
}

// routed says which port routes each tenant's address, and requires that none is
// routed by two.
func routed(t *testing.T, r *rig.Rig) map[netip.Prefix]string {
	t.Helper()
	at := map[netip.Prefix]string{}
	for _, sw := range r.Lab.Switches() {
		for name, port := range sw.Ports {
			for _, a := range port.Addresses {
				if a != port.Install {
					require.Empty(t, at[a], "%s is routed by %s:%s, too", a, sw.ID, name)
					at[a] = fmt.Sprintf("%s:%s", sw.ID, name)
				}
			}
		}
	}
	return at
}

// machineryOf is what somebody who was touched would notice.
func machineryOf(t *testing.T, r *rig.Rig, machine string) (m lab.MachineState) {
	t.Helper()
	m, err := r.Lab.Machine(metal.MachineID(machine))
	require.NoError(t, err)
	return m
}

// busy has devices in all stages: some active, one going, one coming and one
// being installed anew, all three behind parked ports in machines that take
// their time to boot.
func busy(t *testing.T, r *rig.Rig) map[string]metal.DeviceID {
	t.Helper()
	for _, role := range []string{"public", "private"} { // addresses come back at once
		require.NoError(t, r.Store.Queries().SetRest(t.Context(), query.SetRestParams{Role: role}))
	}
	orders := map[metal.OrderID]metal.OrderInput{}
	for _, name := range []string{"stays", "replaced", "going", "again", "left"} {
		orders[metal.OrderID(name)] = rig.Provision()
	}
	provisioned := all(t, r, orders)
	allDone(t, provisioned)
	devices := map[string]metal.DeviceID{}
	for id, status := range provisioned {
		devices[string(id)] = status.Device
	}
	require.NoError(t, r.Order(t.Context(), "coming", rig.Provision()))
	require.NoError(t, r.Order(t.Context(), "going-gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: devices["going"]}))
	require.NoError(t, r.Order(t.Context(), "again-again", metal.OrderInput{Action: metal.ActionReinstall, Device: devices["again"], OperatingSystem: "ubuntu_24_04"}))
	require.Eventually(t, func() bool { return booting(t, r) == 3 }, 2*time.Minute, 20*time.Millisecond)
	status, err := r.Store.Order(t.Context(), "coming")
	require.NoError(t, err)
	devices["coming"] = status.Device
	return devices
}

// booting counts machines that run on a job of ours and are on.
func booting(t *testing.T, r *rig.Rig) (n int) {
	t.Helper()
	for _, m := range machines(t, r) {
		if m.State == string(metal.Claimed) && machineryOf(t, r, m.ID).Phase == "post" {
			n++
		}
	}
	return n
}
