package image

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// smallBlock makes images of many blocks out of a few MiB.
const smallBlock = 64 << 10

// content is a disk as they are: text, noise and holes of all sizes, not
// aligned to anything.
func content(seed uint64, size int) []byte {
	rnd := rand.New(rand.NewPCG(seed, 1))
	disk := make([]byte, size)
	for at := 0; at < size; {
		part := disk[at:min(size, at+1+rnd.IntN(3*smallBlock))]
		switch rnd.IntN(3) {
		case 0:
			for i := range part {
				part[i] = byte(rnd.Uint32())
			}
		case 1:
			copy(part, bytes.Repeat([]byte(strconv.Itoa(rnd.Int())), len(part)/8+1))
		}
		at += len(part)
	}
	disk[size-1] = 1 // a disk that ends in a hole is a case of its own
	return disk
}

func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o644))
	return path
}

// tool runs a program that CI installs.
func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
	return strings.TrimSpace(string(out))
}

func newStore(t *testing.T) *Store {
	t.Helper()
	s, err := OpenStore(t.TempDir(), smallBlock)
	require.NoError(t, err)
	return s
}

// imported gives a store that has one image.
func imported(t *testing.T, disk []byte) (*Store, ID, *Index) {
	t.Helper()
	s := newStore(t)
	id, err := s.Import(t.Context(), Origin{Path: file(t, "disk.raw", disk)})
	require.NoError(t, err)
	ix, err := s.Index(t.Context(), id)
	require.NoError(t, err)
	return s, id, ix
}

// unpacked is the disk that an image in a store holds.
func unpacked(t *testing.T, s Source, id ID) []byte {
	t.Helper()
	ix, err := s.Index(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, id, ix.ID())
	u, err := newUnpacker()
	require.NoError(t, err)
	disk := make([]byte, ix.Size)
	for _, b := range ix.Blocks {
		frame, err := s.Block(t.Context(), id, b.Number)
		require.NoError(t, err)
		packed, err := io.ReadAll(frame)
		require.NoError(t, err)
		require.NoError(t, frame.Close())
		offset, length := ix.Span(int64(b.Number))
		raw := aligned(length)
		require.NoError(t, u.unpack(packed, raw, b.Sum))
		copy(disk[offset:], raw)
	}
	return disk
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func handler(s Source) http.Handler { return Handler(s, nil, slog.New(slog.DiscardHandler)) }

func remote(t *testing.T, servers ...string) *Remote {
	t.Helper()
	r, err := NewRemote(RemoteConfig{Servers: servers, Pace: Pace{Stall: 5 * time.Second, First: time.Millisecond, Longest: 20 * time.Millisecond}})
	require.NoError(t, err)
	t.Cleanup(r.client.CloseIdleConnections)
	return r
}

// blank is a file that stands for a disk with somebody's data on it.
func blank(t *testing.T, size int) string {
	t.Helper()
	return file(t, "target", bytes.Repeat([]byte{0xee}, size))
}

// loop makes a block device of a file. It needs root. One losetup at a time:
// two may find the same device free, and while the second one is refused, nobody
// else can open it.
func loop(t *testing.T, backing string, sectors int) string {
	t.Helper()
	dev := tool(t, "flock", "/dev/loop-control", "losetup", "--show", "-f", "-b", strconv.Itoa(sectors), backing)
	t.Cleanup(func() { tool(t, "losetup", "-d", dev) })
	return dev
}

// read gives what a disk holds, past every cache.
func read(t *testing.T, path string) []byte {
	t.Helper()
	d, err := openDisk(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, d.close()) }()
	raw := aligned(int(d.size))
	require.NoError(t, d.read(raw, 0))
	return raw
}

// same compares disks without printing them.
func same(t *testing.T, want, got []byte) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		if want[i] != got[i] {
			require.Failf(t, "disks differ", "first at byte %d: %#x instead of %#x", i, got[i], want[i])
		}
	}
}

func hurry(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
