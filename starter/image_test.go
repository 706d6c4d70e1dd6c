package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/image"
)

// imageCLI runs an image command on a store, without a database.
func imageCLI(t *testing.T, store string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = execute(t.Context(), append(append([]string{"image"}, args...), "--store", store), &o, &e)
	return code, o.String(), e.String()
}

// published is a disk as a vendor puts it onto his server, with its checksum.
func published(t *testing.T) (url string, disk []byte) {
	t.Helper()
	folder := t.TempDir()
	disk = bytes.Repeat([]byte("a system "), 1<<19)
	copy(disk[1<<20:], make([]byte, 2<<20))
	disk = disk[:len(disk)/512*512]
	require.NoError(t, os.WriteFile(filepath.Join(folder, "disk.raw"), disk, 0o600))
	out, err := exec.Command("xz", "-0", "-T1", filepath.Join(folder, "disk.raw")).CombinedOutput()
	require.NoError(t, err, string(out))
	packed, err := os.ReadFile(filepath.Join(folder, "disk.raw.xz"))
	require.NoError(t, err)
	sum := sha256.Sum256(packed)
	writeFile(t, filepath.Join(folder, "SHA256SUMS"), hex.EncodeToString(sum[:])+"  disk.raw.xz\n")
	writeFile(t, filepath.Join(folder, "WRONG"), strings.Repeat("0", 64)+"  disk.raw.xz\n")
	server := httptest.NewServer(http.FileServer(http.Dir(folder)))
	t.Cleanup(server.Close)
	return server.URL, disk
}

func TestAnImageIsImportedListedShownVerifiedAndRemoved(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	url, disk := published(t)
	code, out, errs := imageCLI(t, store, "import", url+"/disk.raw.xz", "--checksum-url", url+"/SHA256SUMS", "-o", "json")
	require.Equal(t, exitDone, code, errs)
	var info image.Info
	require.NoError(t, json.Unmarshal([]byte(out), &info))
	require.EqualValues(t, len(disk), info.Size)
	require.Positive(t, info.Holes)
	require.Equal(t, []string{info.ID.String()}, names(t, store), "nothing is left of the download")

	code, out, _ = imageCLI(t, store, "list")
	require.Equal(t, exitDone, code)
	require.Contains(t, out, info.ID.String())
	code, out, _ = imageCLI(t, store, "show", info.ID.String()[:10])
	require.Equal(t, exitDone, code)
	require.Contains(t, out, fmt.Sprintf("size      %d\n", len(disk)))
	code, _, errs = imageCLI(t, store, "verify", info.ID.String())
	require.Equal(t, exitDone, code, errs)

	require.NoError(t, os.Truncate(filepath.Join(store, info.ID.String(), "blocks"), 10))
	code, _, errs = imageCLI(t, store, "verify", info.ID.String())
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "starter image remove "+info.ID.String())
	code, _, errs = imageCLI(t, store, "remove", info.ID.String()[:10])
	require.Equal(t, exitDone, code, errs)
	require.Empty(t, names(t, store))
	code, _, errs = imageCLI(t, store, "show", info.ID.String())
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "see starter image list")
}

func TestWhatTheVendorDidNotPublishIsNotImported(t *testing.T) {
	t.Parallel()
	url, _ := published(t)
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"another checksum":   {[]string{"/disk.raw.xz", "--checksum-url", url + "/WRONG"}, exitNot, "fetch it again"},
		"no such file":       {[]string{"/none.raw"}, exitNot, "404"},
		"not in the list":    {[]string{"/other.raw", "--checksum-url", url + "/SHA256SUMS"}, exitNot, "no SHA-256 or longer of other.raw"},
		"half a checksum":    {[]string{"/disk.raw.xz", "--checksum", "abc"}, exitUsage, "a SHA-256 has 64"},
		"not what it should": {[]string{"/disk.raw.xz", "--format", "qcow2"}, exitNot, "looks like raw"},
		"no tar":             {[]string{"/disk.raw.xz", "--format", "tar"}, exitNot, "it is no tar"},
	} {
		store := t.TempDir()
		args := append([]string{"import", url + c.args[0]}, c.args[1:]...)
		code, out, errs := imageCLI(t, store, args...)
		require.Equal(t, c.code, code, name+": "+errs)
		require.Contains(t, errs, c.says, name)
		require.Empty(t, out, name)
		left, err := image.OpenStore(store, 0)
		require.NoError(t, err)
		ids, err := left.List()
		require.NoError(t, err)
		require.Empty(t, ids, name)
	}
}

func TestATarOfARootFileSystemBecomesADisk(t *testing.T) {
	t.Parallel()
	root, store := t.TempDir(), t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "boot"), 0o755))
	writeFile(t, filepath.Join(root, "boot", "vmlinuz-6.1"), "a kernel")
	tar := filepath.Join(t.TempDir(), "root.tar.gz")
	out, err := exec.Command("tar", "-C", root, "-czf", tar, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	code, text, errs := imageCLI(t, store, "import", tar, "--kernel-arguments", "console=ttyS0", "-o", "json")
	require.Equal(t, exitDone, code, errs)
	var info image.Info
	require.NoError(t, json.Unmarshal([]byte(text), &info))
	require.Greater(t, info.Size, int64(200<<20))
	require.Equal(t, []string{info.ID.String()}, names(t, store))

	require.NoError(t, os.Remove(filepath.Join(root, "boot", "vmlinuz-6.1")))
	out, err = exec.Command("tar", "-C", root, "-czf", tar, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	code, _, errs = imageCLI(t, store, "import", tar)
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "install a kernel into it")
	require.Equal(t, []string{info.ID.String()}, names(t, store))
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
