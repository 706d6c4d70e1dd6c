package stack

import (
	"fmt"
	"os"
	"path/filepath"
)

// findBin finds the folder of the Temporal programs: beside the running
// program, as with bin/lab, or bin/ of the module that the working directory
// is in, as in a test.
func findBin() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the temporal programs: %w", err)
	}
	if beside := filepath.Dir(self); isFile(filepath.Join(beside, "temporal-server")) {
		return beside, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the temporal programs: %w", err)
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		if isFile(filepath.Join(dir, "go.mod")) {
			return filepath.Join(dir, "bin"), nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find the temporal programs: neither beside %s nor in a module around %s", self, here)
		}
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
