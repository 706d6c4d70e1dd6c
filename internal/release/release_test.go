package release_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/release"
)

// have returns what a release gives, or skips the test where the clone was made
// without it: a shallow clone is a choice, a missing commit a mistake.
func have(t *testing.T, path string, err error) string {
	t.Helper()
	if errors.Is(err, release.ErrShallow) {
		t.Skip(err)
	}
	require.NoError(t, err)
	return path
}

func TestThePreviousReleaseCanBeBuiltAndRun(t *testing.T) {
	t.Parallel()
	programs, err := release.Previous().Programs(t.Context())
	programs = have(t, programs, err)
	for _, program := range []string{"worker", "boot", "starter"} {
		out, err := exec.Command(filepath.Join(programs, program), "--help").CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "Usage: "+program)
	}
	again, err := release.Previous().Programs(t.Context())
	require.NoError(t, err)
	require.Equal(t, programs, again)
}

func TestAReleaseThatIsNotThereIsAMistakeInAWholeClone(t *testing.T) {
	t.Parallel()
	none := release.Release{Name: "0.0.1", Commit: "0123456789012345678901234567890123456789"}
	_, err := none.Sources(t.Context())
	if errors.Is(err, release.ErrShallow) {
		t.Skip(err)
	}
	require.ErrorContains(t, err, "correct internal/release/previous")
}

func TestAShallowCloneSaysSo(t *testing.T) {
	clone := t.TempDir()
	out, err := exec.Command("git", "-c", "advice.detachedHead=false", "clone", "--quiet", "--depth=1", "file://"+repository(t), clone).CombinedOutput()
	require.NoError(t, err, string(out))
	t.Chdir(clone)
	none := release.Release{Name: "0.0.1", Commit: "0123456789012345678901234567890123456789"}
	_, err = none.Sources(t.Context())
	require.ErrorIs(t, err, release.ErrShallow)
}

func repository(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("git", "rev-parse", "--path-format=absolute", "--git-common-dir").Output()
	require.NoError(t, err)
	return string(out[:len(out)-1])
}
