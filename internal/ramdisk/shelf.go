package ramdisk

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// list names the packages of a shelf and their SHA-256, as sha256sum writes it.
// It is written last: what it names has been checked by apt.
const list = "SHA256SUMS"

// shelf is a folder of downloaded packages of one architecture. What is there
// stays; a newer release of a package comes when the folder is removed.
type shelf struct {
	dir     string
	sources apt
	held    map[string]string // a package's name → its file
}

// openShelf waits for others who use the folder. close must be called.
func openShelf(dir, arch string) (s *shelf, closer func(), err error) {
	sources, err := newAPT(filepath.Join(dir, "apt"), arch, fmt.Sprintf(sources, keyring))
	if err != nil {
		return nil, nil, err
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, nil, fmt.Errorf("lock the packages in %s: %w", dir, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		lock.Close()
		return nil, nil, fmt.Errorf("lock the packages in %s: %w", dir, err)
	}
	s = &shelf{dir: dir, sources: sources, held: map[string]string{}}
	if err := s.read(); err != nil {
		lock.Close()
		return nil, nil, err
	}
	return s, func() { lock.Close() }, nil
}

// read finds what is held. A file that changed since it was downloaded is no
// package of Debian's any more.
func (s *shelf) read() error {
	names, err := os.Open(filepath.Join(s.dir, list))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the list of packages: %w", err)
	}
	defer names.Close()
	for lines := bufio.NewScanner(names); lines.Scan(); {
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		got, err := sumOf(filepath.Join(s.dir, name))
		if err != nil {
			return fmt.Errorf("check a package: %w; remove %s to download all again", err, s.dir)
		}
		if got != sum {
			return fmt.Errorf("check %s: its SHA-256 is not what it was when it came; remove %s to download all again", name, s.dir)
		}
		s.held[packageName(name)] = filepath.Join(s.dir, name)
	}
	return nil
}

// need downloads what is not held yet of the packages named.
func (s *shelf) need(ctx context.Context, names ...string) error {
	missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return s.held[name] != "" })
	if len(missing) == 0 {
		return nil
	}
	if err := s.sources.update(ctx); err != nil {
		return err
	}
	// Into a folder of their own first: what a killed build left is not on the list.
	fresh, err := os.MkdirTemp(s.dir, "fresh-")
	if err != nil {
		return fmt.Errorf("make room for packages: %w", err)
	}
	defer os.RemoveAll(fresh)
	if err := s.sources.download(ctx, fresh, missing...); err != nil {
		return err
	}
	return s.take(fresh)
}

func (s *shelf) take(fresh string) error {
	files, err := filepath.Glob(filepath.Join(fresh, "*.deb"))
	if err != nil {
		return fmt.Errorf("look for packages in %s: %w", fresh, err)
	}
	for _, from := range files {
		to := filepath.Join(s.dir, filepath.Base(from))
		if err := os.Rename(from, to); err != nil {
			return fmt.Errorf("keep a package: %w", err)
		}
		s.held[packageName(to)] = to
	}
	return s.write()
}

func (s *shelf) write() error {
	var lines []string
	for _, path := range s.held {
		sum, err := sumOf(path)
		if err != nil {
			return fmt.Errorf("list a package: %w", err)
		}
		lines = append(lines, sum+"  "+filepath.Base(path)+"\n")
	}
	slices.Sort(lines)
	return replace(filepath.Join(s.dir, list), []byte(strings.Join(lines, "")))
}

// packageName is what stands before the version in a package file's name.
func packageName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), "_")
	return name
}

func sumOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// replace writes a file so that there is never half of it.
func replace(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
