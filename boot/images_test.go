package main

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/image"
)

// A machine installs what a store has, through a boot service that copies
// another one's, and goes on when that other one is gone.
func TestASiteWithoutAStoreCopiesAnothers(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	raw := make([]byte, 3<<20)
	_, _ = rand.Read(raw[:2<<20]) // a hole at the end
	file := filepath.Join(t.TempDir(), "debian.raw")
	require.NoError(t, os.WriteFile(file, raw, 0o600))
	store, err := image.OpenStore(folder, 0)
	require.NoError(t, err)
	id, err := store.Import(t.Context(), image.Origin{Path: file})
	require.NoError(t, err)

	first := httptest.NewServer(http.StripPrefix("/images", image.Handler(store, nil, quiet())))
	defer first.Close()
	own := t.TempDir()
	second, err := newService(Config{
		AgentFolder: own, ErasureKey: filepath.Join(own, "erasure.pem"),
		Images: ImageConfig{Folder: t.TempDir(), Upstream: []string{first.URL + "/images"}, Room: 1 << 30},
	}, newWorld(), newWorld(), quiet())
	require.NoError(t, err)
	for range 2 {
		disk := filepath.Join(t.TempDir(), "disk")
		require.NoError(t, os.WriteFile(disk, make([]byte, len(raw)), 0o600))
		remote, err := image.NewRemote(image.RemoteConfig{Servers: []string{webOf(t, second.routes()) + "/images"}})
		require.NoError(t, err)
		_, err = (&image.Writer{From: remote}).Install(t.Context(), id, disk)
		require.NoError(t, err)
		written, err := os.ReadFile(disk)
		require.NoError(t, err)
		require.True(t, bytes.Equal(raw, written))
		first.Close() // the second time is without it
	}
}

func webOf(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}
