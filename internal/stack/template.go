package stack

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Making a data folder takes seconds (initdb, and a hundred steps of Temporal's
// schema), copying it takes 0.1 s: so the first one made is kept as a template.

// templatePath names the template that suits these programs; another version
// of any of them has a template of its own.
func templatePath(cache, kind string, programs ...string) (string, error) {
	sum := sha256.New()
	for _, program := range programs {
		info, err := os.Stat(program)
		if err != nil {
			return "", fmt.Errorf("look for %s (make tools builds it, make deps installs postgres): %w", program, err)
		}
		fmt.Fprintln(sum, program, info.Size(), info.ModTime().UnixNano())
	}
	return filepath.Join(cache, fmt.Sprintf("%s-%x", kind, sum.Sum(nil)[:6])), nil
}

// restore fills the cluster's home from the template. Whatever goes wrong, the
// home is empty again and can be filled the long way.
func (c *cluster) restore(template string) error {
	err := copyTree(template, c.home, c.own)
	if err != nil {
		err = fmt.Errorf("copy the template %s: %w", template, err)
		if clean := os.RemoveAll(c.home); clean != nil {
			return fmt.Errorf("%w; and then: %w", err, clean)
		}
		return c.makeHome()
	}
	return nil
}

// keep saves the home of a cleanly stopped cluster as a template. Several may
// do so at a time: the first name wins, and all are alike.
func (c *cluster) keep(template string) error {
	cache := filepath.Dir(template)
	if err := os.MkdirAll(cache, 0o700); err != nil { // holds passwords
		return fmt.Errorf("keep a template: %w", err)
	}
	part, err := os.MkdirTemp(cache, "part-")
	if err != nil {
		return fmt.Errorf("keep a template: %w", err)
	}
	defer os.RemoveAll(part)
	complete := filepath.Join(part, "home")
	if err := copyTree(c.home, complete, func(string) error { return nil }); err != nil {
		return fmt.Errorf("keep the template %s: %w", template, err)
	}
	if err := os.Rename(complete, template); err != nil && !isFolder(template) {
		return fmt.Errorf("keep the template %s: %w", template, err)
	}
	return nil
}

// copyTree copies folders and plain files, which is all that Postgres makes
// here, and tells own of each.
func copyTree(from, to string, own func(string) error) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rest, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rest)
		if entry.IsDir() {
			err = os.MkdirAll(target, 0o700)
		} else {
			err = copyFile(path, target)
		}
		if err != nil {
			return err
		}
		return own(target)
	})
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := target.ReadFrom(source); err != nil { // copy_file_range: the kernel's work
		_ = target.Close()
		return err
	}
	return target.Close()
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
