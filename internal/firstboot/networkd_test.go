package firstboot

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// TestNetworkdBringsUpWhatWeWrite runs systemd-networkd, which Flatcar has, on
// our files in namespaces of its own. A bundle is not among them: it takes a
// kernel with the bonding driver, and NICs with permanent addresses.
func TestNetworkdBringsUpWhatWeWrite(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		machine metal.BootMachine
		more    string
	}{
		"single":      {single(), `nic1@port1\s+DOWN`},
		"independent": {independent(), `nic1@port1\s+UP\s+10\.1\.0\.11/31`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			_, files := configured(t, c.machine, metal.Flatcar)
			for path, text := range files {
				if in, ok := strings.CutPrefix(path, "/etc/systemd/network/"); ok {
					write(t, filepath.Join(folder, in), []byte(text))
				}
			}
			out := run(t, nil, "unshare", "--net", "--mount", "sh", "testdata/networkd.sh", folder)
			for _, want := range []string{
				`nic0\S*\s+UP\s+198\.51\.100\.5/31 10\.1\.0\.9/31 2001:db8::5/127`,
				`default via 198\.51\.100\.4 dev nic0`, `10\.0\.0\.0/8 via 10\.1\.0\.8 dev nic0`,
				`default via 2001:db8::4 dev nic0`,
				c.more,
			} {
				require.Regexp(t, want, out)
			}
		})
	}
}
