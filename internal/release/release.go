package release

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Release is one that was handed out: what users may run when they upgrade.
type Release struct {
	Name   string // as the changelog has it
	Commit string // all forty digits
}

// ErrShallow is that this clone was made without the release's commit. Nothing
// is wrong with the repository then: git fetch --unshallow brings it.
var ErrShallow = errors.New("the clone is shallow, and the release's commit is not in it")

//go:embed previous
var previous string

// Previous is the release before this one: the one to upgrade from.
func Previous() Release {
	name, commit, _ := strings.Cut(strings.TrimSpace(previous), " ")
	return Release{Name: name, Commit: commit}
}

// Sources is a folder with the release's sources, unpacked on the first call
// below the module's bin/, where `make clean` finds it. Callers at once, in
// several processes, get the same one. It is for reading: others build there.
func (r Release) Sources(ctx context.Context) (string, error) {
	module, err := module()
	if err != nil {
		return "", fmt.Errorf("sources of %s: %w", r.Name, err)
	}
	if err := r.here(ctx, module); err != nil {
		return "", err
	}
	return once(r.folder(module, "src"), func(into string) error { return r.unpack(ctx, module, into) })
}

// Programs is a folder with the release's programs worker, boot and starter,
// built by the Go tool and from the module cache of this machine.
func (r Release) Programs(ctx context.Context) (string, error) {
	sources, err := r.Sources(ctx)
	if err != nil {
		return "", err
	}
	return once(filepath.Join(filepath.Dir(sources), "bin"), func(into string) error {
		build := exec.CommandContext(ctx, "go", "build", "-o", into, "./worker", "./boot", "./starter")
		build.Dir, build.Env = sources, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
		return said("build "+r.Name, build)
	})
}

func (r Release) folder(module, what string) string {
	return filepath.Join(module, "bin", "cache", "releases", r.Commit[:12], what)
}

// here finds out whether the repository has the release's commit.
func (r Release) here(ctx context.Context, module string) error {
	if exec.CommandContext(ctx, "git", "-C", module, "cat-file", "-e", r.Commit+"^{commit}").Run() == nil {
		return nil
	}
	shallow, err := exec.CommandContext(ctx, "git", "-C", module, "rev-parse", "--is-shallow-repository").Output()
	if err == nil && strings.TrimSpace(string(shallow)) == "true" {
		return fmt.Errorf("%s at %s: %w", r.Name, r.Commit, ErrShallow)
	}
	return fmt.Errorf("%s: no commit %s in the repository at %s; correct internal/release/previous", r.Name, r.Commit, module)
}

func (r Release) unpack(ctx context.Context, module, into string) error {
	tar := filepath.Join(into, ".tar")
	if err := said("archive "+r.Name, exec.CommandContext(ctx, "git", "-C", module, "archive", "--format=tar", "--output="+tar, r.Commit)); err != nil {
		return err
	}
	if err := said("unpack "+r.Name, exec.CommandContext(ctx, "tar", "-x", "-f", tar, "-C", into)); err != nil {
		return err
	}
	return os.Remove(tar)
}
