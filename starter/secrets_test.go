package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/vault"
)

func TestAKeysetIsMadeRotatedResealedAndTheOldKeyDropped(t *testing.T) {
	t.Parallel()
	r := setup(t)
	file := filepath.Join(t.TempDir(), "keys")
	code, out, errs := r.cli("secrets", "init", "--keyset", file)
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, out, file+" has the key ")
	require.Contains(t, out, "Keep a copy of it, and not beside the backups")
	require.NotContains(t, out, keyMaterial(t, file)[:8])
	rotation := rotationOf(t, r, file)
	cred, err := rotation.Next(t.Context(), "m1", "millwright", 20)
	require.NoError(t, err)

	code, out, _ = r.cli("secrets", "status", "--keyset", file)
	require.Equal(t, exitDone, code)
	require.Regexp(t, `\n[0-9]+ +true +1 +0 +-\n$`, out)
	code, out, errs = r.cli("secrets", "rotate", "--keyset", file)
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, out, "which seals from now on")
	code, out, errs = r.cli("secrets", "drop", "--keyset", file)
	require.Equal(t, exitNot, code)
	require.Contains(t, out, "keys dropped: none")
	require.Contains(t, errs, "(1 rows); run: starter secrets reseal")
	code, out, errs = r.cli("secrets", "reseal", "--keyset", file)
	require.Equal(t, exitDone, code, errs)
	require.Equal(t, "rows sealed anew: 1\n", out)
	code, out, errs = r.cli("secrets", "drop", "--keyset", file)
	require.Equal(t, exitDone, code, errs)
	require.Regexp(t, `^keys dropped: [0-9]+\n$`, out)
	require.NoError(t, rotation.Promote(t.Context(), "m1", cred), "it can still be opened")

	var status []map[string]any
	_, out, _ = r.cli("secrets", "status", "--keyset", file, "-o", "json")
	require.NoError(t, json.Unmarshal([]byte(out), &status))
	require.Len(t, status, 1)
	require.Equal(t, float64(1), status[0]["rows"])
}

func TestSecretsLieInTheCredentialsFolderWhereNothingElseIsSaid(t *testing.T) {
	t.Parallel()
	r := setup(t)
	dir := t.TempDir()
	code, _, errs := r.cli("secrets", "status", "--credentials", dir)
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "make one with: starter secrets init --keyset "+filepath.Join(dir, "keyset.json"))
	code, _, errs = r.cli("secrets", "init", "--credentials", dir)
	require.Equal(t, exitDone, code, errs)
	before := keyMaterial(t, filepath.Join(dir, "keyset.json"))
	code, _, errs = r.cli("secrets", "init", "--credentials", dir)
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "is left as it is")
	require.Equal(t, before, keyMaterial(t, filepath.Join(dir, "keyset.json")))
}

func TestStatusFailsWhereARowCannotBeOpened(t *testing.T) {
	t.Parallel()
	r := setup(t)
	file, other := filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "keys")
	for _, f := range []string{file, other} {
		_, err := vault.Create(f)
		require.NoError(t, err)
	}
	_, err := rotationOf(t, r, file).Next(t.Context(), "m1", "millwright", 20)
	require.NoError(t, err)
	code, out, errs := r.cli("secrets", "status", "--keyset", other)
	require.Equal(t, exitNot, code)
	require.Contains(t, out, "the file does not have this key; put back a copy that has")
	require.Contains(t, errs, "rows that cannot be opened: 1")
	code, _, errs = r.cli("secrets", "reseal", "--keyset", other)
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "0 rows were sealed anew; see starter secrets status")

	r.exec("insert into bmc_credentials (machine, sealed) select 'm2', next_sealed from bmc_credentials")
	code, out, _ = r.cli("secrets", "status", "--keyset", file)
	require.Equal(t, exitNot, code)
	require.Regexp(t, `true +2 +1 +damaged, or another machine's`, out)
}

func TestAPersonSeesAPasswordAndSaysWhichOneABMCHas(t *testing.T) {
	t.Parallel()
	r := setup(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "factory"), "ADMIN\nhunter2\n")
	code, _, errs := r.cli("secrets", "init", "--credentials", dir)
	require.Equal(t, exitDone, code, errs)
	code, out, errs := r.cli("secrets", "show", "m1", "--credentials", dir)
	require.Equal(t, exitNot, code)
	require.Empty(t, out)
	require.Contains(t, errs, "machine m1: no password of its BMC is on record")

	code, out, errs = r.cli("secrets", "keep", "m1", "--credential", "factory", "--credentials", dir)
	require.Equal(t, exitDone, code, errs)
	require.NotContains(t, out+errs, "hunter2")
	next, err := rotationOf(t, r, filepath.Join(dir, vault.FileName)).Next(t.Context(), "m1", "ADMIN", 16)
	require.NoError(t, err)
	code, out, errs = r.cli("secrets", "show", "m1", "--credentials", dir)
	require.Equal(t, exitDone, code, errs)
	require.Regexp(t, `\nbmc/m1 +ADMIN +hunter2\nbmc-next/m1 +ADMIN +`+next.Password+`\n$`, out)
	code, _, errs = r.cli("secrets", "keep", "m9", "--credential", "factory", "--credentials", dir)
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "machine m9")
	require.Contains(t, errs, "see starter list machines")
}

func rotationOf(t *testing.T, r *rig, file string) vault.Rotation {
	t.Helper()
	v, err := vault.Open(file)
	require.NoError(t, err)
	return vault.Rotation{Vault: v, Rows: r.store}
}

// keyMaterial is what must be printed nowhere.
func keyMaterial(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var keyset struct {
		Key []struct{ KeyData struct{ Value string } }
	}
	require.NoError(t, json.Unmarshal(text, &keyset))
	require.Len(t, keyset.Key, 1)
	return keyset.Key[0].KeyData.Value
}
