package catalogue

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"millwright/internal/metal"
)

//go:embed systems/*.yaml
var files embed.FS

// ErrUnknown is a system that the catalogue does not have.
var ErrUnknown = errors.New("not in the catalogue")

// All gives every system, in order of their IDs.
func All() ([]System, error) {
	systems, err := fs.Sub(files, "systems")
	if err != nil {
		return nil, err
	}
	return load(systems)
}

// Find gives one system.
func Find(id metal.OperatingSystemID) (System, error) {
	all, err := All()
	if err != nil {
		return System{}, err
	}
	ids := make([]string, len(all))
	for i, s := range all {
		if s.ID == id {
			return s, nil
		}
		ids[i] = string(s.ID)
	}
	return System{}, fmt.Errorf("operating system %s: %w; it has %s", id, ErrUnknown, strings.Join(ids, ", "))
}

// load reads a folder of systems strictly: a field that is misspelt, missing or
// cannot be is refused with the file's name.
func load(from fs.FS) ([]System, error) {
	names, err := fs.Glob(from, "*.yaml") // in order
	if err != nil {
		return nil, err
	}
	var all []System
	for _, name := range names {
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		s, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("catalogue: %s: %w", name, err)
		}
		s.ID = metal.OperatingSystemID(strings.TrimSuffix(path.Base(name), ".yaml"))
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("catalogue: %s: %w", name, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func parse(text []byte) (s System, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&s); err != nil {
		return s, fmt.Errorf("read it: %w", err)
	}
	if err := decoder.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return s, errors.New("more than one document; give each system a file")
	}
	return s, nil
}
