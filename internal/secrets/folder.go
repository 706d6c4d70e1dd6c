package secrets

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"millwright/internal/metal"
)

// Folder is the path of a folder of credentials.
type Folder string

// largest is far more than a user and a password take: whoever names a disk
// image as a credential gets an error instead of its contents in memory.
const largest = 4096

// Get reads a credential, as it is at this moment.
func (f Folder) Get(ctx context.Context, name string) (metal.Credential, error) {
	if err := ctx.Err(); err != nil {
		return metal.Credential{}, err
	}
	if !plain(name) {
		return metal.Credential{}, fmt.Errorf("credential %q: want the name of a file in %s, without a path: %w", name, f, metal.ErrNoSecret)
	}
	path := filepath.Join(string(f), name)
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err) || err == nil && !info.Mode().IsRegular():
		return metal.Credential{}, fmt.Errorf("credential %s: there is no file %s; put the user on its first line and the password on its second: %w", name, path, metal.ErrNoSecret)
	case err != nil:
		return metal.Credential{}, fmt.Errorf("credential %s: %w", name, err)
	case info.Size() > largest:
		return metal.Credential{}, fmt.Errorf("credential %s: %s is larger than %d bytes; want two lines, a user and a password: %w", name, path, largest, metal.ErrNoSecret)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return metal.Credential{}, fmt.Errorf("credential %s: %w", name, err)
	}
	return parse(name, path, text)
}

// plain names stay within the folder, and are no file that an editor or
// Kubernetes hides beside the others.
func plain(name string) bool {
	return name != "" && !strings.HasPrefix(name, ".") && !strings.ContainsAny(name, "/\\\x00")
}

// parse takes a password as it stands, spaces and all; only the line's end,
// of either convention, is not part of it.
func parse(name, path string, text []byte) (metal.Credential, error) {
	user, rest, _ := bytes.Cut(text, []byte("\n"))
	password, more, _ := bytes.Cut(rest, []byte("\n"))
	c := metal.Credential{User: strings.TrimSpace(string(user)), Password: strings.TrimSuffix(string(password), "\r")}
	if c.User == "" || c.Password == "" || len(bytes.TrimSpace(more)) > 0 {
		return metal.Credential{}, fmt.Errorf("credential %s: %s: want exactly two lines, a user and a password: %w", name, path, metal.ErrNoSecret)
	}
	return c, nil
}

// Names is the set of credentials that exist, readable or not: what a site
// file may name.
func (f Folder) Names() (map[string]bool, error) {
	names := map[string]bool{}
	err := f.each(func(name string, _ fs.FileMode) { names[name] = true })
	return names, err
}

// Warn logs each file that others than its owner and its group may read.
func (f Folder) Warn(log *slog.Logger) error {
	return f.each(func(name string, mode fs.FileMode) {
		if mode.Perm()&0o007 != 0 {
			path := filepath.Join(string(f), name)
			log.Warn("everybody on this machine can read a credential; run: chmod o= "+path, "file", path, "mode", mode.Perm().String())
		}
	})
}

func (f Folder) each(visit func(name string, mode fs.FileMode)) error {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return fmt.Errorf("credentials: list their folder: %w", err)
	}
	for _, e := range entries {
		if !plain(e.Name()) {
			continue
		}
		// Stat follows links: a mounted secret is a link to its present version.
		info, err := os.Stat(filepath.Join(string(f), e.Name()))
		if err == nil && info.Mode().IsRegular() {
			visit(e.Name(), info.Mode())
		}
	}
	return nil
}
