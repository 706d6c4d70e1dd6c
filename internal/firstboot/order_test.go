package firstboot

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPhoningHomeAfterCloudInitIsNoCircle has systemd put Debian's units of
// cloud-init and ours in order, as a boot does: in a circle it drops a job, and
// which one is chance.
func TestPhoningHomeAfterCloudInitIsNoCircle(t *testing.T) {
	t.Parallel()
	s, err := newSystem(independent(), Options{URL: options.URL, Positions: onSecond})
	require.NoError(t, err)
	root := t.TempDir()
	units := filepath.Join(root, unitFolder)
	write(t, filepath.Join(units, phoneHomeName), []byte(s.phoneHomeUnit(python, "cloud-final.service")))
	write(t, filepath.Join(units, loopbackName), []byte(s.loopbackUnit()))
	run(t, nil, "systemctl", "--root="+root, "enable", phoneHomeName, loopbackName)
	// What Debian's package enables, and cloud-init's generator where it finds a seed.
	for _, wanted := range []string{"multi-user.target.wants/cloud-init.target", "cloud-init.target.wants/cloud-final.service"} {
		at := filepath.Join(units, wanted)
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
		require.NoError(t, os.Symlink("/lib/systemd/system/"+filepath.Base(wanted), at))
	}

	c := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", "multi-user.target", phoneHomeName)
	c.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+units+":/lib/systemd/system")
	out, _ := c.CombinedOutput() // other units of the machine may have faults of their own
	require.NotContains(t, string(out), "ordering cycle")
	require.NotContains(t, string(out), "millwright")
}
