package secrets_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/secrets"
)

func folder(t *testing.T, files map[string]string) secrets.Folder {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return secrets.Folder(dir)
}

func TestACredentialIsAFileOfTwoLines(t *testing.T) {
	t.Parallel()
	f := folder(t, map[string]string{"plain": "admin\npass word \n", "bare": "admin\nx", "dos": "admin\r\nx\r\n"})
	for name, want := range map[string]metal.Credential{
		"plain": {User: "admin", Password: "pass word "},
		"bare":  {User: "admin", Password: "x"},
		"dos":   {User: "admin", Password: "x"},
	} {
		got, err := f.Get(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestWhatIsNoCredentialSaysWhatToPutWhere(t *testing.T) {
	t.Parallel()
	const password = "hunter2"
	f := folder(t, map[string]string{
		"empty": "", "one": "admin\n", "nobody": "\n" + password + "\n", "three": "admin\n" + password + "\nmore\n",
		"huge": "admin\n" + strings.Repeat(password, 1000),
	})
	for name, want := range map[string]string{
		"none":  "there is no file " + filepath.Join(string(f), "none") + "; put the user on its first line",
		"empty": "want exactly two lines", "one": "want exactly two lines", "nobody": "want exactly two lines",
		"three": "want exactly two lines", "huge": "larger than 4096 bytes",
	} {
		_, err := f.Get(t.Context(), name)
		require.ErrorIs(t, err, metal.ErrNoSecret)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), password)
	}
}

func TestANameCannotLeaveTheFolder(t *testing.T) {
	t.Parallel()
	f := folder(t, map[string]string{"bmc": "admin\nx\n"})
	require.NoError(t, os.Mkdir(filepath.Join(string(f), "sub"), 0o700))
	for _, name := range []string{"", ".", "..", "../" + filepath.Base(string(f)) + "/bmc", "sub/../bmc", `..\bmc`, ".bmc", "sub", "a\x00b"} {
		_, err := f.Get(t.Context(), name)
		require.ErrorIs(t, err, metal.ErrNoSecret, name)
	}
}

func TestNamesAreThoseOfFiles(t *testing.T) {
	t.Parallel()
	f := folder(t, map[string]string{"bmc": "a\nb\n", "half": "a\n", ".swap": "a\nb\n"})
	require.NoError(t, os.Mkdir(filepath.Join(string(f), "folder"), 0o700))
	require.NoError(t, os.Symlink("bmc", filepath.Join(string(f), "link")))
	names, err := f.Names()
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"bmc": true, "half": true, "link": true}, names)
	_, err = secrets.Folder(filepath.Join(string(f), "none")).Names()
	require.ErrorContains(t, err, "credentials: list their folder")
}

func TestAFileThatEverybodyCanReadIsWarnedOf(t *testing.T) {
	t.Parallel()
	f := folder(t, map[string]string{"open": "admin\nhunter2\n", "closed": "admin\nhunter2\n"})
	require.NoError(t, os.Chmod(filepath.Join(string(f), "open"), 0o644))
	var log bytes.Buffer
	require.NoError(t, f.Warn(slog.New(slog.NewTextHandler(&log, nil))))
	require.Contains(t, log.String(), "chmod o= "+filepath.Join(string(f), "open"))
	require.NotContains(t, log.String(), "closed")
	require.NotContains(t, log.String(), "hunter2")
}

func TestACancelledCallerGetsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := folder(t, map[string]string{"bmc": "a\nb\n"}).Get(ctx, "bmc")
	require.ErrorIs(t, err, context.Canceled)
}
