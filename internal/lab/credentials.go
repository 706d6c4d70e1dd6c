package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"millwright/internal/metal"
)

// Credentials is a folder of them: each file's name is the credential's, its
// first line the user, its second the password.
type Credentials string

// Get reads one.
func (c Credentials) Get(name string) (metal.Credential, error) {
	text, err := os.ReadFile(filepath.Join(string(c), filepath.Base(name)))
	if err != nil {
		return metal.Credential{}, fmt.Errorf("credential %s: %w: %w", name, metal.ErrNoSecret, err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 2 || lines[0] == "" || lines[1] == "" {
		return metal.Credential{}, fmt.Errorf("credential %s: want two lines, a user and a password: %w", name, metal.ErrNoSecret)
	}
	return metal.Credential{User: strings.TrimSpace(lines[0]), Password: strings.TrimRight(lines[1], "\r")}, nil
}

// Names is the set of those that exist.
func (c Credentials) Names() (map[string]bool, error) {
	entries, err := os.ReadDir(string(c))
	if err != nil {
		return nil, fmt.Errorf("credentials: list folder: %w", err)
	}
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = e.Type().IsRegular()
	}
	return names, nil
}
