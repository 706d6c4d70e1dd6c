package vault_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/vault"
)

var admin = metal.Credential{User: "admin", Password: "hunter2 \"\xff\n"}

// keyset is a new one of one key, and the vault that it opens.
func keyset(t *testing.T) (path string, v *vault.Vault) {
	t.Helper()
	path = filepath.Join(t.TempDir(), vault.FileName)
	_, err := vault.Create(path)
	require.NoError(t, err)
	v, err = vault.Open(path)
	require.NoError(t, err)
	return path, v
}

func seal(t *testing.T, v *vault.Vault, about string) []byte {
	t.Helper()
	sealed, err := v.Seal(admin, about)
	require.NoError(t, err)
	return sealed
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func TestWhatIsSealedOpensForItsOwnNameAlone(t *testing.T) {
	t.Parallel()
	_, v := keyset(t)
	sealed := seal(t, v, "bmc/m1")
	require.NotContains(t, string(sealed), "hunter2")
	require.NotContains(t, string(sealed), "admin")
	require.NotEqual(t, sealed, seal(t, v, "bmc/m1"), "equal passwords do not look equal")
	opened, err := v.Unseal(sealed, "bmc/m1")
	require.NoError(t, err)
	require.Equal(t, admin, opened)
	_, err = v.Unseal(sealed, "bmc/m2")
	require.ErrorIs(t, err, metal.ErrNoSecret)
	require.ErrorContains(t, err, "bmc/m2: what is on record is damaged, or another one's")
}

func TestADamagedRowOpensNothing(t *testing.T) {
	t.Parallel()
	_, v := keyset(t)
	sealed := seal(t, v, "bmc/m1")
	for i := range sealed {
		spoilt := bytes.Clone(sealed)
		spoilt[i] ^= 1
		_, err := v.Unseal(spoilt, "bmc/m1")
		require.Error(t, err, "byte %d", i)
		require.NotContains(t, err.Error(), "hunter2")
		_, err = v.Unseal(sealed[:i], "bmc/m1")
		require.Error(t, err, "%d bytes", i)
	}
}

func TestANewKeySealsAndTheOldOneStillOpens(t *testing.T) {
	t.Parallel()
	path, v := keyset(t)
	old := seal(t, v, "bmc/m1")
	first, _ := vault.KeyOf(old)
	second, err := vault.Rotate(path)
	require.NoError(t, err)
	require.NotEqual(t, first, second)

	fresh := seal(t, v, "bmc/m1") // by a vault that was open before
	id, ok := vault.KeyOf(fresh)
	require.True(t, ok)
	require.Equal(t, second, id)
	for _, sealed := range [][]byte{old, fresh} {
		opened, err := v.Unseal(sealed, "bmc/m1")
		require.NoError(t, err)
		require.Equal(t, admin, opened)
	}
	keys, err := v.Keys()
	require.NoError(t, err)
	require.Equal(t, []vault.Key{{ID: first}, {ID: second, Newest: true}}, keys)

	require.ErrorContains(t, vault.Drop(path, second), "drop key "+second.String())
	require.NoError(t, vault.Drop(path, first))
	_, err = v.Unseal(old, "bmc/m1")
	require.ErrorContains(t, err, "it was sealed with key "+first.String()+", which "+path+" does not have; copy the newest keyset here")
	require.NotErrorIs(t, err, metal.ErrNoSecret, "the file may still be on its way to this machine")
	opened, err := v.Unseal(fresh, "bmc/m1")
	require.NoError(t, err)
	require.Equal(t, admin, opened)
}

func TestRotationsAtOnceLoseNoKey(t *testing.T) {
	t.Parallel()
	path, v := keyset(t)
	done := make(chan error)
	const rotations = 8
	for range rotations {
		go func() { _, err := vault.Rotate(path); done <- err }()
	}
	for range rotations {
		require.NoError(t, <-done)
	}
	keys, err := v.Keys()
	require.NoError(t, err)
	require.Len(t, keys, rotations+1)
}

func TestAKeysetIsNeverOverwritten(t *testing.T) {
	t.Parallel()
	path, _ := keyset(t)
	before := read(t, path)
	_, err := vault.Create(path)
	require.ErrorContains(t, err, "is there already, and is left as it is")
	require.Equal(t, before, read(t, path))
}

func TestARotatedFileKeepsItsModeAndLeavesNoOther(t *testing.T) {
	t.Parallel()
	path, _ := keyset(t)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, os.Chmod(path, 0o640)) // for the group that programs run as
	_, err = vault.Rotate(path)
	require.NoError(t, err)
	info, err = os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	names, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, names, 1)
}

func TestAFileThatEverybodyCanReadIsRefused(t *testing.T) {
	t.Parallel()
	path, _ := keyset(t)
	require.NoError(t, os.Chmod(path, 0o644))
	_, err := vault.Open(path)
	require.ErrorContains(t, err, "run: chmod o= "+path)
	_, err = vault.Rotate(path)
	require.ErrorContains(t, err, "run: chmod o= "+path)
}

func TestAMissingKeysetIsNoProblemUntilSomethingIsSealed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), vault.FileName)
	v, err := vault.Open(path)
	require.NoError(t, err)
	_, err = v.Seal(admin, "bmc/m1")
	require.ErrorIs(t, err, metal.ErrNoSecret)
	require.ErrorContains(t, err, "make one with: starter secrets init --keyset "+path)
	require.NotContains(t, err.Error(), "hunter2")
	_, err = vault.Rotate(path)
	require.ErrorIs(t, err, metal.ErrNoSecret)

	_, err = vault.Create(path)
	require.NoError(t, err)
	opened, err := v.Unseal(seal(t, v, "bmc/m1"), "bmc/m1")
	require.NoError(t, err)
	require.Equal(t, admin, opened)
}

// A file that is copied over another one is half there for a moment.
func TestAHalfCopiedFileLeavesTheKeysAsTheyWere(t *testing.T) {
	t.Parallel()
	path, v := keyset(t)
	sealed, whole := seal(t, v, "bmc/m1"), read(t, path)
	require.NoError(t, os.WriteFile(path, []byte(whole[:len(whole)/2]), 0o600))
	opened, err := v.Unseal(sealed, "bmc/m1")
	require.NoError(t, err)
	require.Equal(t, admin, opened)
	other, theirs := keyset(t)
	sealed = seal(t, theirs, "bmc/m1")
	_, err = v.Unseal(sealed, "bmc/m1")
	require.ErrorContains(t, err, "copy the newest keyset here")
	require.ErrorContains(t, err, "it is no keyset in Tink's JSON")
	require.NoError(t, os.Rename(other, path))
	_, err = v.Unseal(sealed, "bmc/m1")
	require.NoError(t, err)
}

// What Tink's parsers quote is the file, which is the key.
func TestNoErrorQuotesTheFile(t *testing.T) {
	t.Parallel()
	path, _ := keyset(t)
	whole := read(t, path)
	key := strings.Split(strings.Split(whole, `"value":"`)[1], `"`)[0]
	for name, spoilt := range map[string]string{
		"key as number":  strings.Replace(whole, `"`+key+`"`, "1"+strings.Repeat("7", 40), 1),
		"key as field":   strings.Replace(whole, `"value"`, `"`+key+`"`, 1),
		"key cut":        strings.Replace(whole, key, key[:len(key)-3], 1),
		"primary absent": strings.Replace(whole, `"primaryKeyId":`, `"primaryKeyId":1`, 1),
		"other prefix":   strings.Replace(whole, `"TINK"`, `"RAW"`, 1),
		"empty":          "",
		"two lines":      "admin\n" + key + "\n",
	} {
		require.NoError(t, os.WriteFile(path, []byte(spoilt), 0o600))
		_, err := vault.Open(path)
		require.ErrorContains(t, err, "keyset "+path, name)
		require.NotContains(t, err.Error(), key[:8], name)
		require.NotContains(t, err.Error(), "7777", name)
	}
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("x"), 1<<20), 0o600))
	_, err := vault.Open(path)
	require.ErrorContains(t, err, "want a file of at most")
}

func TestAVaultNoticesAFileThatIsExchangedInPlace(t *testing.T) {
	t.Parallel()
	path, v := keyset(t)
	other, theirs := keyset(t)
	sealed := seal(t, theirs, "bmc/m1")
	_, err := v.Unseal(sealed, "bmc/m1")
	require.Error(t, err)
	require.NoError(t, os.WriteFile(path, []byte(read(t, other)), 0o600))
	later := time.Now().Add(time.Second) // clocks of file systems tick in milliseconds
	require.NoError(t, os.Chtimes(path, later, later))
	opened, err := v.Unseal(sealed, "bmc/m1")
	require.NoError(t, err)
	require.Equal(t, admin, opened)
}
