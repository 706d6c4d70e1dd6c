package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"millwright/internal/agent"
)

// drives is every disk of the machine. The first is the one that boots.
type drives struct {
	paths     []string
	configDir string
}

var _ agent.Disks = drives{}

// Erase erases one disk after the other: two at once would share one bus, and
// the proof would be no sooner there.
func (d drives) Erase(ctx context.Context) (string, error) {
	proofs := make([]string, len(d.paths))
	for i, path := range d.paths {
		proof, err := d.eraseOne(ctx, path)
		if err != nil {
			return "", fmt.Errorf("erase %s: %w", path, err)
		}
		proofs[i] = proof
	}
	return strings.Join(proofs, "; "), nil
}

func (d drives) eraseOne(ctx context.Context, path string) (string, error) {
	disk, err := open(path)
	if err != nil {
		return "", err
	}
	defer disk.Close()
	return disk.erase(ctx)
}

// Write puts the image on the first disk, and returns once it is there.
func (d drives) Write(ctx context.Context, image io.Reader, size int64) error {
	disk, err := open(d.paths[0])
	if err != nil {
		return err
	}
	defer disk.Close()
	if size > disk.size {
		return fmt.Errorf("write %s: an image of %d bytes does not fit on %d", disk.path, size, disk.size)
	}
	if err := disk.fill(ctx, io.LimitReader(image, size), size); err != nil {
		return err
	}
	disk.rereadPartitions()
	return nil
}

// Verify reads the image back from the disk itself, not from memory.
func (d drives) Verify(ctx context.Context, sum string, size int64) error {
	disk, err := open(d.paths[0])
	if err != nil {
		return err
	}
	defer disk.Close()
	hash := sha256.New()
	err = disk.each(ctx, size, func(_ int64, piece []byte) error {
		_, err := hash.Write(piece)
		return err
	})
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != sum {
		return fmt.Errorf("read back %s: SHA-256 is %s, want %s", disk.path, got, sum)
	}
	return nil
}

// firstBootFile is what the image's first-boot service looks for.
const firstBootFile = "first-boot.json"

// Configure leaves the first-boot configuration where the image's own service
// finds it. It is written beside and renamed: there is never half a file.
func (d drives) Configure(_ context.Context, first agent.FirstBoot) error {
	text, err := json.MarshalIndent(map[string]string{
		"hostname": first.Hostname, "metadata_url": first.MetadataURL, "phone_home_url": first.PhoneHomeURL,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("write the first-boot configuration: %w", err)
	}
	if err := os.MkdirAll(d.configDir, 0o755); err != nil {
		return fmt.Errorf("make the folder of the first-boot configuration: %w", err)
	}
	path := filepath.Join(d.configDir, firstBootFile)
	if err := writeSynced(path+".new", text); err != nil {
		return fmt.Errorf("write the first-boot configuration: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("name the first-boot configuration: %w", err)
	}
	return nil
}

func writeSynced(path string, text []byte) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.Sync()
}

// inventory is a sentence for people: what this machine seems to be.
func (d drives) inventory() string {
	words := []string{fmt.Sprintf("%d CPUs, %s", runtime.NumCPU(), runtime.GOARCH)}
	for _, path := range d.paths {
		disk, err := open(path)
		if err != nil {
			words = append(words, err.Error())
			continue
		}
		words = append(words, fmt.Sprintf("%s of %d bytes", path, disk.size))
		disk.Close()
	}
	return strings.Join(words, ", ")
}
