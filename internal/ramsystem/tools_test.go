//go:build linux

package ramsystem

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// packed is an archive of tools as package ramdisk makes it, with its sum.
func packed(t *testing.T, headers ...tar.Header) (archive []byte, sum string) {
	var plain, small bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, h := range headers {
		content := []byte("content of " + h.Name)
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(content))
		}
		require.NoError(t, w.WriteHeader(&h))
		if h.Typeflag == tar.TypeReg {
			_, err := w.Write(content)
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	hash := sha256.Sum256(plain.Bytes())
	z, err := zstd.NewWriter(&small)
	require.NoError(t, err)
	_, err = z.Write(plain.Bytes())
	require.NoError(t, errors.Join(err, z.Close()))
	return small.Bytes(), hex.EncodeToString(hash[:])
}

// system is a folder that stands for the RAM system's root.
func system(t *testing.T, sum string) string {
	root := t.TempDir()
	for _, dir := range []string{"etc", "run", "usr/lib"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, toolsSum), []byte(sum+"\n"), 0o600))
	return root
}

func from(archive []byte, asked *int) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { *asked++; return io.NopCloser(bytes.NewReader(archive)), nil }
}

var (
	tool = tar.Header{Typeflag: tar.TypeReg, Name: "usr/bin/fio", Mode: 0o755}
	link = tar.Header{Typeflag: tar.TypeSymlink, Name: "usr/lib/libz.so.1", Linkname: "libz.so.1.3"}
)

func TestToolsAreAddedOnceAndRunnable(t *testing.T) {
	t.Parallel()
	archive, sum := packed(t, tool, link)
	root, asked := system(t, sum), 0
	require.NoError(t, addTools(root, from(archive, &asked)))
	require.NoError(t, addTools(root, from(archive, &asked)))
	require.Equal(t, 1, asked)
	info, err := os.Stat(filepath.Join(root, "usr/bin/fio"))
	require.NoError(t, err)
	require.EqualValues(t, 0o755, info.Mode().Perm())
	to, err := os.Readlink(filepath.Join(root, "usr/lib/libz.so.1"))
	require.NoError(t, err)
	require.Equal(t, "libz.so.1.3", to)
}

func TestToolsOfAnotherBuildAreNotTaken(t *testing.T) {
	t.Parallel()
	archive, _ := packed(t, tool)
	root, asked := system(t, "5e1f"), 0
	require.ErrorContains(t, addTools(root, from(archive, &asked)), "boot the machine anew")
	require.NoFileExists(t, filepath.Join(root, toolsDone))
}

func TestADownloadThatBreaksOffIsTakenAgain(t *testing.T) {
	t.Parallel()
	archive, sum := packed(t, tool, link)
	root, asked := system(t, sum), 0
	require.ErrorContains(t, addTools(root, from(archive[:len(archive)/2], &asked)), "unpack the tools")
	require.NoError(t, addTools(root, from(archive, &asked)))
	require.Equal(t, 2, asked)
}

func TestAnArchiveCannotLeaveTheSystemsFolder(t *testing.T) {
	t.Parallel()
	archive, sum := packed(t, tar.Header{Typeflag: tar.TypeReg, Name: "../outside", Mode: 0o644})
	root, asked := system(t, sum), 0
	require.Error(t, addTools(root, from(archive, &asked)))
	require.NoFileExists(t, filepath.Join(filepath.Dir(root), "outside"))
}
