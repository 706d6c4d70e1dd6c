package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

// a disk of a little more than three pieces, full of a tenant's bytes.
func dirtyDisk(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("secret "), 3*pieceSize/7+1000), 0o600))
	return path
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func TestEveryDiskIsErasedToItsLastByte(t *testing.T) {
	t.Parallel()
	one, other := dirtyDisk(t), dirtyDisk(t)
	proof, err := drives{paths: []string{one, other}}.Erase(t.Context())
	require.NoError(t, err)
	for _, path := range []string{one, other} {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, make([]byte, 3*pieceSize/7*7+7000), content)
		require.Contains(t, proof, path+": ")
	}
	require.Contains(t, proof, "overwritten, read back as zero")
}

// meddler is a context that does something when it is asked for the nth time:
// the disk asks it before each piece.
type meddler struct {
	context.Context
	left *int
	do   func()
}

func (m meddler) Err() error {
	if *m.left--; *m.left == 0 {
		m.do()
	}
	return m.Context.Err()
}

func TestADiskThatDoesNotReadAsZeroIsNotErased(t *testing.T) {
	t.Parallel()
	path := dirtyDisk(t)
	pieces := 4                  // to overwrite
	afterOverwrite := pieces * 2 // the last piece is about to be read back
	_, err := drives{paths: []string{path}}.Erase(meddler{t.Context(), &afterOverwrite, func() {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		require.NoError(t, err)
		defer file.Close()
		_, err = file.WriteAt([]byte{1}, 3*pieceSize+10)
		require.NoError(t, err)
	}})
	require.ErrorIs(t, err, metal.ErrUnprovenErasure)
	require.ErrorContains(t, err, "not zero within")
}

func TestAnImageIsWrittenAndReadBack(t *testing.T) {
	t.Parallel()
	disks := drives{paths: []string{dirtyDisk(t)}}
	image := bytes.Repeat([]byte{1, 2, 3}, 500_000)
	size := int64(len(image))
	require.NoError(t, disks.Write(t.Context(), bytes.NewReader(image), size))
	require.NoError(t, disks.Verify(t.Context(), digest(image), size))
	require.ErrorContains(t, disks.Verify(t.Context(), digest(image[1:]), size), "SHA-256 is "+digest(image))
}

func TestAnImageThatCannotBeWrittenSaysWhy(t *testing.T) {
	t.Parallel()
	path := dirtyDisk(t)
	disks := drives{paths: []string{path}}
	image := make([]byte, 1000)
	err := disks.Write(t.Context(), bytes.NewReader(image), 1<<30)
	require.ErrorContains(t, err, "an image of 1073741824 bytes does not fit on")
	err = disks.Write(t.Context(), bytes.NewReader(image), 2000)
	require.ErrorContains(t, err, "content ends at byte 0 of 2000")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, disks.Write(ctx, bytes.NewReader(image), 1000), context.Canceled)
	_, err = disks.Erase(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestADiskThatIsNotThereIsNotMade(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "missing")
	_, err := drives{paths: []string{path}}.Erase(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoFileExists(t, path)
	require.Contains(t, drives{paths: []string{path}}.inventory(), "open disk")
}

func TestTheFirstBootConfigurationIsAFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "config")
	first := agent.FirstBoot{Hostname: "web1", MetadataURL: "http://b/metadata", PhoneHomeURL: "http://b/phone-home?boot=3"}
	for range 2 {
		require.NoError(t, drives{configDir: dir}.Configure(t.Context(), first))
	}
	text, err := os.ReadFile(filepath.Join(dir, firstBootFile))
	require.NoError(t, err)
	require.JSONEq(t, `{"hostname": "web1", "metadata_url": "http://b/metadata", "phone_home_url": "http://b/phone-home?boot=3"}`, string(text))
}
