package release

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// once fills a folder, unless it is there: under another name first, so that
// it is never there half. Where two do so at once the first one's is kept.
func once(folder string, fill func(into string) error) (string, error) {
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", err
	}
	into, err := os.MkdirTemp(filepath.Dir(folder), filepath.Base(folder)+"-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(into)
	if err := fill(into); err != nil {
		return "", err
	}
	if err := os.Chmod(into, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(into, folder); err != nil {
		if _, there := os.Stat(folder); there != nil {
			return "", err
		}
	}
	return folder, nil
}

// said runs a command whose words matter only where it ends badly.
func said(doing string, cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", doing, err, out)
	}
	return nil
}

// module is the folder of the module that the working directory is in.
func module() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("the working directory is in no module")
		}
	}
}
