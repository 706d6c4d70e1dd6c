package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// siteFiles are the good site file and its credentials, with some texts of the
// file exchanged for others.
func siteFiles(t *testing.T, exchange ...string) (file, credentials string) {
	t.Helper()
	text, err := os.ReadFile("../internal/sitefile/testdata/good.yaml")
	require.NoError(t, err)
	dir := t.TempDir()
	for _, name := range []string{"switch", "bmc"} {
		writeFile(t, filepath.Join(dir, name), "admin\nhunter2\n")
	}
	file = filepath.Join(t.TempDir(), "site.yaml")
	writeFile(t, file, strings.NewReplacer(exchange...).Replace(string(text)))
	return file, dir
}

func provision(more ...string) []string {
	return append([]string{"provision", "--project", "acme", "--site", "lab1", "--plan", "c1.small", "--os", "debian_12"}, more...)
}

func TestImportSaysWhatItDid(t *testing.T) {
	t.Parallel()
	r := setup(t)
	file, credentials := siteFiles(t, "kexec: true", "kexec: false")
	code, out, errs := r.cli("import", file, "--credentials", credentials)
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, out, "changed: machine m1: kexec true → false\n")
	require.Regexp(t, `\nmachine +0 +1 +1 +0\n`, out)
	require.True(t, strings.HasSuffix(out, "site lab1 is imported\n"))
	code, out, _ = r.cli("import", file, "--credentials", credentials, "-o", "json")
	require.Equal(t, exitDone, code)
	require.NotContains(t, out, `"changed"`)
}

func TestImportPrintsEveryProblemAndChangesNothing(t *testing.T) {
	t.Parallel()
	r := setup(t)
	file, credentials := siteFiles(t, "metro: lab\n", "metro: LAB\n", "credential: switch", "credential: other")
	code, out, errs := r.cli("import", file, "--credentials", credentials)
	require.Equal(t, exitNot, code)
	require.Empty(t, out)
	require.Contains(t, errs, file+":2: metro \"LAB\" is not a name")
	require.Contains(t, errs, file+":22: no credential is called \"other\"")
	require.Contains(t, errs, "problems in "+file+": 2; nothing was imported")

	r.exec("update machines set state = 'claimed', run = 'machine/' || id")
	file, credentials = siteFiles(t, "xe-0/0/1", "xe-0/0/9")
	code, _, errs = r.cli("import", file, "--credentials", credentials)
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "machine m1 is claimed, so its port cannot change")
	require.Contains(t, errs, "nothing was imported")
}

func TestAnOrderGivenWhileTemporalIsAwayStands(t *testing.T) {
	t.Parallel()
	r := setup(t)
	keys, data := t.TempDir()+"/id.pub", t.TempDir()+"/user-data"
	writeFile(t, keys, "# mine\nssh-ed25519 AAAAC3Nz me@home\n\n")
	writeFile(t, data, "#cloud-config\n")
	code, out, errs := r.cli(provision("--id", "o-1", "--ssh-key", keys, "--user-data", data, "--tag", "a", "--tag", "b")...)
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, out, "order   o-1 (wanted)\n")
	require.Contains(t, errs, "Temporal does not answer, but the order stands: reconcile starts it")
	status, err := r.store.Order(t.Context(), "o-1")
	require.NoError(t, err)
	require.Contains(t, out, "device  "+string(status.Device)+"\nrun     device/"+string(status.Device)+"\n")
	d, err := r.store.Queries().GetDevice(t.Context(), string(status.Device))
	require.NoError(t, err)
	require.Equal(t, []string{"ssh-ed25519 AAAAC3Nz me@home"}, d.SshKeys)
	require.Equal(t, []string{"a", "b"}, d.Tags)
	require.NotNil(t, d.UserData)

	code, _, errs = r.cli(provision("--id", "o-1", "--hostname", "other")...)
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "given before with another input")
}

func TestWaitingPrintsEventsUntilTheOrderHasEnded(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		code      int
		out, errs string
		run       func(*rig, metal.DeviceID)
	}{
		"done": {exitDone, "device is active", "", func(r *rig, d metal.DeviceID) { r.installed("o-1", d) }},
		"failed": {exitNot, "no idle machine", "order o-1 failed: no idle machine; more: starter status", func(r *rig, _ metal.DeviceID) {
			require.NoError(r.t, r.store.AbandonOrder(r.t.Context(), "o-1", "no idle machine"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			worked := make(chan struct{})
			go func() { // what a worker does meanwhile
				defer close(worked)
				for t.Context().Err() == nil {
					if status, err := r.store.Order(t.Context(), "o-1"); err == nil {
						end.run(r, status.Device)
						return
					}
				}
			}()
			code, out, errs := r.cli(provision("--id", "o-1", "--wait")...)
			<-worked
			require.Equal(t, end.code, code, errs)
			require.Regexp(t, `(?m)^ +[0-9.]+s  order +provision ordered as o-1$`, out)
			require.Regexp(t, `(?m)^ +[0-9.]+s  [a-z]+ +`+end.out+`$`, out)
			require.Contains(t, errs, end.errs)
		})
	}
}

func TestUsedWronglyExitsTwoAndSaysHow(t *testing.T) {
	t.Parallel()
	r := setup(t)
	private := t.TempDir() + "/id"
	writeFile(t, private, "-----BEGIN OPENSSH PRIVATE KEY-----\n")
	for want, args := range map[string][]string{
		"missing flags: --os=":                         {"provision", "--project", "acme", "--site", "lab1", "--plan", "c1.small"},
		"unexpected argument fly":                      {"fly"},
		`device: "d1" is no lower-case UUID`:           {"reinstall", "d1", "--os", "debian_12"},
		"is a private key; give the .pub beside it":    provision("--ssh-key", private),
		"would let the network order machines":         {"serve", "--insecure-no-auth", "--listen", "0.0.0.0:0"},
		"--reconcile-every 1ms: want a second or more": {"migrate", "--reconcile-every", "1ms"},
		"contradict each other":                        {"serve", "--insecure-no-auth", "--token-file", private},
		"want at least 16":                             {"serve", "--token-file", shortToken(t)},
	} {
		code, _, errs := r.cli(args...)
		require.Equal(t, exitUsage, code, "%s: %s", args, errs)
		require.Contains(t, errs, want)
		require.Equal(t, 1, strings.Count(errs, "\n"), errs)
	}
	var out, errs journal
	require.Equal(t, exitUsage, execute(t.Context(), []string{"list", "devices"}, &out, &errs))
	require.Contains(t, errs.String(), "set MILLWRIGHT_POSTGRES")
}

func shortToken(t *testing.T) string {
	file := t.TempDir() + "/token"
	writeFile(t, file, "secret\n")
	return file
}

func TestHelpIsForNewcomers(t *testing.T) {
	t.Parallel()
	var out, errs journal
	require.Equal(t, exitDone, execute(t.Context(), []string{"--help"}, &out, &errs))
	for _, want := range []string{"starter migrate", "starter import site.yaml", "MILLWRIGHT_POSTGRES", "Exit codes"} {
		require.Contains(t, out.String(), want)
	}
	out = journal{}
	require.Equal(t, exitDone, execute(t.Context(), []string{"provision", "--help"}, &out, &errs))
	require.Contains(t, out.String(), "--ssh-key=FILE")
}

func TestListingsAreColumnsOrJSON(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.cli(provision("--id", "o-1")...)
	for what, want := range map[string]string{
		"devices": `acme +lab1 +c1\.small +debian_12 +d-[0-9a-f]{8} +queued`, "machines": `m2 +lab1 +r1 +2 +c1\.small +tor-r1:ae2 +idle +- +false +-`,
		"switches": `tor-r1 +lab1 +r1 +127\.64\.1\.1:8300`, "ports": `tor-r1:ae2 +m2 +parked +- +127\.64\.128\.2/31 +1 +0 +import`,
		"blocks": `10\.64\.0\.0/16 +lab1 +private +65536 +0 +0`, "orders": `o-1 +provision .* wanted`, "events": `order +provision ordered as o-1`,
	} {
		code, out, errs := r.cli("list", what)
		require.Equal(t, exitDone, code, errs)
		require.Regexp(t, want, out)
		code, out, _ = r.cli("list", what, "-o", "json")
		require.Equal(t, exitDone, code)
		var rows []map[string]any
		require.NoError(t, json.Unmarshal([]byte(out), &rows))
		require.NotEmpty(t, rows)
	}
	_, out, _ := r.cli("list", "devices", "--site", "lab9", "-o", "json")
	require.Equal(t, "[]\n", out)
}

func TestStatusAndCancelSpeakOfADeviceWithoutTemporal(t *testing.T) {
	t.Parallel()
	r := setup(t)
	order, err := metal.ParseOrder("o-1", []byte(wish))
	require.NoError(t, err)
	_, err = r.store.RecordOrder(t.Context(), order)
	require.NoError(t, err)
	r.installed("o-1", order.Device)
	code, out, errs := r.cli("status", string(order.Device))
	require.Equal(t, exitDone, code, errs)
	for _, want := range []string{`device +` + string(order.Device), `state +active`, `port +tor-r1:xe-0/0/1`,
		`address +198\.51\.100\.1/31, gateway 198\.51\.100\.0 \(public\)`, `run +the run cannot be asked`, `o-1 +provision +done`} {
		require.Regexp(t, want, out)
	}
	code, _, errs = r.cli("cancel", "o-1")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "order o-1 is done (device is active); there is nothing to cancel")
	code, _, errs = r.cli("status", "00000000-0000-4000-8000-000000000000")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "no such device; see starter list devices")
}

func TestLeaksAreCountedAndFailTheCommand(t *testing.T) {
	t.Parallel()
	r := setup(t)
	code, out, _ := r.cli("leaks")
	require.Equal(t, exitDone, code)
	require.Regexp(t, `boot intent +0\n`, out)
	r.exec("update boot_intents set job = 'erase', run = 'device/x' where machine = 'm2'")
	code, out, errs := r.cli("leaks")
	require.Equal(t, exitNot, code)
	require.Regexp(t, `boot intent +1\n`, out)
	require.Contains(t, out, "boot intent: machine m2 is to erase for device/x")
	require.Contains(t, errs, "leaks: 1")
}

func TestAMachineIsReleasedAndUserDataStored(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.exec("update machines set state = 'quarantined', reason = 'silent' where id = 'm2'")
	code, out, errs := r.cli("release", "m2")
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, out, "machine m2 is idle")
	code, _, errs = r.cli("release", "m2")
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "it is idle, and cannot become idle from there")

	file := t.TempDir() + "/data"
	writeFile(t, file, "test")
	code, out, errs = r.cli("userdata", file)
	require.Equal(t, exitDone, code, errs)
	require.Equal(t, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n", out)
	writeFile(t, file, strings.Repeat("x", 64<<10+1))
	code, _, _ = r.cli("userdata", file)
	require.Equal(t, exitUsage, code)
}

func TestADatabaseThatIsAwayOrEmptyIsNamedWithItsRemedy(t *testing.T) {
	t.Parallel()
	var out, errs journal
	dsn := "postgres://millwright:hunter2@" + nowhere(t) + "/none"
	require.Equal(t, exitNot, execute(t.Context(), []string{"list", "devices", "--postgres", dsn}, &out, &errs))
	require.Contains(t, errs.String(), "connect: connection refused; is it running, and is MILLWRIGHT_POSTGRES right?")
	require.NotContains(t, errs.String(), "hunter2")
	require.Equal(t, 1, strings.Count(errs.String(), "\n"))

	r := setup(t)
	r.exec("drop table devices cascade")
	code, _, text := r.cli("list", "devices")
	require.Equal(t, exitNot, code)
	require.Contains(t, text, "run: starter migrate")
}
