package rootfs

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tree is what there is to know of a root file system before it is written.
type tree struct {
	bytes   int64 // that its files fill, in whole blocks
	entries int64
	newest  time.Time
	digest  [sha256.Size]byte // of paths, sizes and times
	kernels []kernel          // the newest first
	has     map[string]bool   // which of wanted there are
}

// kernel is one in /boot, by names within it.
type kernel struct{ version, image, initrd string }

// wanted are paths that decide what is written.
var wanted = []string{"etc/fstab", "boot/efi"}

func survey(root string) (tree, error) {
	t := tree{has: map[string]bool{}}
	sum := sha256.New()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		t.entries++
		if info.ModTime().After(t.newest) && !e.IsDir() {
			t.newest = info.ModTime()
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if slices.Contains(wanted, name) {
			t.has[name] = true
		}
		if !info.Mode().IsRegular() || info.Size() == 0 { // fakeroot's devices are empty files
			fmt.Fprintf(sum, "%q\n", name)
			return nil
		}
		t.bytes += (info.Size() + blockSize - 1) / blockSize * blockSize
		fmt.Fprintf(sum, "%q %d %d\n", name, info.Size(), info.ModTime().Unix())
		return nil
	})
	if err != nil {
		return t, err
	}
	t.digest = [sha256.Size]byte(sum.Sum(nil))
	t.kernels, err = kernels(filepath.Join(root, "boot"))
	return t, err
}

// initrds are what distributions call the initrd of a kernel's version.
var initrds = []string{"initrd.img-%s", "initramfs-%s.img", "initrd-%s", "initramfs-%s"}

// kernels lists what is in /boot. A file system without one has none.
func kernels(boot string) (found []kernel, err error) {
	entries, err := os.ReadDir(boot)
	if err != nil {
		return nil, nil
	}
	for _, e := range entries {
		version, ok := strings.CutPrefix(e.Name(), "vmlinuz-")
		if !ok || strings.Contains(version, "rescue") || !plain.MatchString(version) {
			continue
		}
		k := kernel{version: version, image: e.Name()}
		for _, form := range initrds {
			if name := fmt.Sprintf(form, version); slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name }) {
				k.initrd = name
			}
		}
		found = append(found, k)
	}
	slices.SortFunc(found, func(a, b kernel) int { return compareVersions(b.version, a.version) })
	return found, nil
}

// plain is what may stand in grub.cfg as it is.
var plain = regexp.MustCompile(`^[A-Za-z0-9._+~-]+$`)

// parts cuts a version into numbers and what is between.
var parts = regexp.MustCompile(`[0-9]+|[^0-9]+`)

// compareVersions knows that 6.1.0-18 is newer than 6.1.0-9.
func compareVersions(a, b string) int {
	return slices.CompareFunc(parts.FindAllString(a, -1), parts.FindAllString(b, -1), func(a, b string) int {
		n, err := strconv.Atoi(a)
		m, other := strconv.Atoi(b)
		if err == nil && other == nil {
			return n - m
		}
		return strings.Compare(a, b)
	})
}

// names are what a disk and its parts are called: they follow from what it
// holds.
type names struct {
	disk, bios, esp, root string // GUIDs of table and partitions
	fs, seed              string // of ext4
	volume                string // of FAT: eight digits
}

func (t tree) names(arguments string) (n names) {
	derive := func(what string) [sha256.Size]byte {
		return sha256.Sum256(append(t.digest[:], what+"\x00"+arguments...))
	}
	for what, name := range map[string]*string{"disk": &n.disk, "bios": &n.bios, "esp": &n.esp, "root": &n.root, "fs": &n.fs, "seed": &n.seed} {
		*name = uuid(derive(what))
	}
	h := derive("volume")
	n.volume = fmt.Sprintf("%08x", binary.BigEndian.Uint32(h[:]))
	return n
}

// uuid has the form of RFC 9562, version 8: made by rules of our own.
func uuid(h [sha256.Size]byte) string {
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	s := hex.EncodeToString(h[:16])
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
}

// unique sorts and drops what is there twice.
func unique[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}
