package ramdisk

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// tree is files by their paths.
type tree map[string]file

// withLibraries takes programs from a tree of packages' files, with the loader
// and the libraries that they and those need.
func (t tree) withLibraries(programs []string) (tree, error) {
	taken := tree{}
	for _, program := range programs {
		if err := t.take(program, taken); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

func (t tree) take(name string, taken tree) error {
	if _, done := taken[name]; done {
		return nil
	}
	f, ok := t[name]
	if !ok {
		return fmt.Errorf("take the program %s: no listed package has it", name)
	}
	taken[name] = f
	if f.link != "" {
		return t.take(target(name, f.link), taken)
	}
	loader, libraries, folders, err := linked(f.body)
	if err != nil {
		return fmt.Errorf("read what %s is linked to: %w", name, err)
	}
	if loader != "" {
		// By its path: the kernel starts it, and searches nowhere.
		if err := t.take(target(name, loader), taken); err != nil {
			return err
		}
	}
	for _, library := range libraries {
		found, ok := t.library(library, folders)
		if !ok {
			return fmt.Errorf("%s needs %s, which no listed package has: add its package to packages.go", name, library)
		}
		if err := t.take(found, taken); err != nil {
			return err
		}
	}
	return nil
}

// library finds a shared library by its name: in the folders that its user
// names, then where the loader looks.
func (t tree) library(name string, folders []string) (string, bool) {
	for _, folder := range folders {
		at := merged(strings.TrimPrefix(path.Join(folder, name), "/"))
		if _, ok := t[at]; ok {
			return at, true
		}
	}
	for _, at := range slices.Sorted(maps.Keys(t)) {
		if path.Base(at) == name && strings.HasPrefix(at, "usr/lib") && strings.Count(at, "/") <= 3 {
			return at, true
		}
	}
	return "", false
}

// linked is the loader that a program asks the kernel for, and the libraries
// that it asks the loader for, with folders of its own to look in.
func linked(body []byte) (loader string, libraries, folders []string, err error) {
	parsed, err := elf.NewFile(bytes.NewReader(body))
	if err != nil {
		if format := (*elf.FormatError)(nil); errors.As(err, &format) || errors.Is(err, io.EOF) {
			return "", nil, nil, nil // a script, or a file that is read
		}
		return "", nil, nil, err
	}
	for _, header := range parsed.Progs {
		if header.Type == elf.PT_INTERP {
			text := make([]byte, header.Filesz)
			if _, err := header.ReadAt(text, 0); err != nil {
				return "", nil, nil, err
			}
			loader = strings.TrimRight(string(text), "\x00")
		}
	}
	if libraries, err = parsed.ImportedLibraries(); err != nil {
		return "", nil, nil, err
	}
	paths, err := parsed.DynString(elf.DT_RUNPATH) // Ceph's libraries keep a common one to themselves
	for _, path := range paths {
		folders = append(folders, strings.Split(path, ":")...)
	}
	return loader, libraries, folders, err
}

// target is where a symbolic link leads to.
func target(link, to string) string {
	if path.IsAbs(to) {
		return merged(strings.TrimPrefix(path.Clean(to), "/"))
	}
	return path.Join(path.Dir(link), to)
}
