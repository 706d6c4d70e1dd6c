package rig_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/bmc/ipmitest"
	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/internal/vault"
)

// rotation changes passwords with the keyset that the rig's programs use.
func rotation(t *testing.T, r *rig.Rig) vault.Rotation {
	t.Helper()
	v, err := vault.Open(filepath.Join(r.Dir, "credentials", vault.FileName))
	require.NoError(t, err)
	return vault.Rotation{Vault: v, Rows: r.Store}
}

// rotated has every BMC of the rig given a password of its own, and returns them.
func rotated(t *testing.T, r *rig.Rig) []string {
	t.Helper()
	for _, m := range machines(t, r) {
		out, err := r.Run(t.Context(), "starter", "machine", "rotate", m.ID)
		require.NoError(t, err, out)
	}
	return passwords(t, r)
}

// passwords are those that the BMCs of the rig have by now.
func passwords(t *testing.T, r *rig.Rig) (all []string) {
	t.Helper()
	sealed := vault.Credentials{Vault: rotation(t, r).Vault, Rows: r.Store}
	for _, m := range machines(t, r) {
		cred, err := sealed.Get(t.Context(), metal.BMCCredential(metal.MachineID(m.ID)))
		require.NoError(t, err)
		all = append(all, cred.Password)
	}
	require.NotEmpty(t, all)
	return all
}

// anyForm matches a secret as it stands, in a URL, and as dumps, payloads and
// sealed rows have bytes: in base64 at each of its three offsets; and all of
// that in hex.
func anyForm(secret string) string {
	forms := []string{secret, url.QueryEscape(secret)}
	for offset := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + secret))
		forms = append(forms, text[(offset*8+5)/6:len(text)-1]) // what a neighbour's bits are not in
	}
	for _, form := range forms {
		forms = append(forms, hex.EncodeToString([]byte(form)))
	}
	for i, form := range forms {
		forms[i] = regexp.QuoteMeta(form)
	}
	return strings.Join(forms, "|")
}

// watched reads every process's command line until it is told to stop, and then
// which of them had a secret.
func watched(secret *regexp.Regexp) (stop func() (looks int, found []string)) {
	done, result := make(chan struct{}), make(chan []string)
	looks := 0
	go func() {
		var found []string
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				result <- found
				return
			case <-tick.C:
			}
			lines, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well formed
			for _, name := range lines {
				if line, err := os.ReadFile(name); err == nil && secret.Match(line) {
					found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
				}
			}
			looks++
		}
	}()
	return func() (int, []string) { close(done); return looks, <-result }
}

// dumped is every database of the rig's Postgres, Temporal's included, as a
// backup has it.
func dumped(t *testing.T, r *rig.Rig) map[string]string {
	t.Helper()
	_, err := exec.LookPath("pg_dump")
	require.NoError(t, err, "this test needs pg_dump: apt install postgresql-client")
	conn, err := pgx.Connect(t.Context(), r.Stack.DSN)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), "select datname from pg_database where not datistemplate")
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	dumps := map[string]string{}
	for _, name := range names {
		at, err := url.Parse(r.Stack.DSN)
		require.NoError(t, err)
		password, _ := at.User.Password()
		at.User, at.Path = url.User(at.User.Username()), "/"+name
		cmd := exec.CommandContext(t.Context(), "pg_dump", "--inserts", "--dbname", at.String())
		cmd.Env = append(os.Environ(), "PGPASSWORD="+password)
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		require.NoError(t, err, said.String())
		dumps[name] = string(out)
	}
	return dumps
}

// wrapper notes how ipmitool is started, and who can read its environment.
const wrapper = `#!/bin/sh
/usr/bin/tr '\0' ' ' </proc/$$/cmdline >>%[1]s
echo >>%[1]s
/usr/bin/stat -c 'environ %%a' /proc/$$/environ >>%[1]s
exec %[2]s "$@"
`

// overIPMI has a driver speak to an IPMI BMC, with a sealed password and then
// with a wrong one, and returns how its program was started and what it said.
func overIPMI(t *testing.T, r *rig.Rig) string {
	t.Helper()
	tool, err := exec.LookPath("ipmitool")
	require.NoError(t, err, "this test needs ipmitool: apt install ipmitool")
	dir := t.TempDir()
	notes, program := filepath.Join(dir, "notes"), filepath.Join(dir, "ipmitool")
	require.NoError(t, os.WriteFile(program, fmt.Appendf(nil, wrapper, notes, tool), 0o700))
	rotate := rotation(t, r)
	drive := &bmc.Driver{Credentials: vault.Credentials{Vault: rotate.Vault, Rows: r.Store}.Get, Ipmitool: program}
	b := ipmitest.Start(t).Record("m8")
	b.Credential = metal.BMCCredential("m8")
	require.NoError(t, rotate.Keep(t.Context(), "m8", metal.Credential{User: "admin", Password: ipmitest.Password}))
	require.Eventually(t, func() bool { _, err = drive.Power(t.Context(), b); return err == nil }, time.Minute, 100*time.Millisecond)
	require.NoError(t, drive.PowerOn(t.Context(), b, metal.BootNetwork, metal.UEFI))
	require.NoError(t, drive.SetPower(t.Context(), b, metal.Off))
	_, err = drive.Read(t.Context(), b, "")
	said := fmt.Sprint(err)
	require.NoError(t, rotate.Keep(t.Context(), "m8", metal.Credential{User: "admin", Password: wrongPassword}))
	_, err = drive.Power(t.Context(), b)
	require.ErrorIs(t, err, metal.ErrBadCredentials)
	text, readErr := os.ReadFile(notes)
	require.NoError(t, readErr)
	require.Contains(t, string(text), "environ 400", "nobody but its own user reads the environment")
	return string(text) + said + err.Error()
}

const wrongPassword = "no-horse-of-ours"
