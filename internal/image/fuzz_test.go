package image

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// A qcow2 file is a program for jumping about in a file. Whatever it says, it
// reads as the disk that its header promises, or ends in an error.
func FuzzQcow2(f *testing.F) {
	folder := f.TempDir()
	raw := filepath.Join(folder, "raw")
	require.NoError(f, os.WriteFile(raw, content(1, 6<<10), 0o644))
	// Small clusters make small files, which a fuzzer gets further with.
	for _, options := range []string{"-o compat=1.1", "-o compat=0.10", "-c -o compat=1.1", "-c -o compression_type=zstd", "-o compat=1.1,preallocation=metadata"} {
		seed(f, `qemu-img convert -O qcow2 `+options+`,cluster_size=512 "$1" "$2"`, raw, filepath.Join(folder, "packed"))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := openQcow2(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return
		}
		h, err := readQcow2Header(bytes.NewReader(file))
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, io.LimitReader(r, 4<<20))
		if err == nil {
			require.EqualValues(t, min(h.Size, 4<<20), n)
		}
		runtime.ReadMemStats(&after)
		require.Less(t, after.HeapInuse-min(before.HeapInuse, after.HeapInuse), uint64(256<<20))
	})
}

// FuzzOpen feeds whatever comes to the detection and the decoders behind it.
func FuzzOpen(f *testing.F) {
	folder := f.TempDir()
	raw := filepath.Join(folder, "raw")
	require.NoError(f, os.WriteFile(raw, content(2, 5<<10), 0o644))
	for _, name := range []string{"raw", "gzip", "xz", "bzip2", "zstd"} {
		seed(f, packers[name], raw, filepath.Join(folder, "packed"))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		path := filepath.Join(t.TempDir(), "any")
		require.NoError(t, os.WriteFile(path, file, 0o600))
		p, err := Origin{Path: path}.open(&peeled{scratch: t.TempDir()})
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(p, 1<<20))
		require.NoError(t, p.Close())
	})
}

func seed(f *testing.F, script, raw, out string) {
	f.Helper()
	tool(f, "bash", "-ec", script, "bash", raw, out)
	packed, err := os.ReadFile(out)
	require.NoError(f, err)
	f.Add(packed)
}
