package firstboot

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/ignition/v2/config/v3_3"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func decoded(t *testing.T, s ignitionSource) []byte {
	t.Helper()
	text, ok := strings.CutPrefix(s.Source, "data:;base64,")
	require.True(t, ok, s.Source)
	body, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	return body
}

func TestTheConfigurationsAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]metal.BootMachine{"single": single(), "bundle": bundle(), "independent": independent()} {
		for _, method := range []metal.FirstBootMethod{metal.Ignition, metal.Flatcar} {
			_, files := configured(t, m, method)
			var text strings.Builder
			for _, path := range slices.Sorted(maps.Keys(files)) {
				text.WriteString("===== " + path + "\n" + files[path])
			}
			golden(t, string(method)+"."+name, []byte(text.String()))
		}
	}
}

// TestIgnitionItselfTakesOurConfigurations with the very version of its
// specification that they name, and without so much as a warning.
func TestIgnitionItselfTakesOurConfigurations(t *testing.T) {
	t.Parallel()
	for _, m := range []metal.BootMachine{single(), bundle(), independent()} {
		m.Tenancy.UserData = []byte(`{"ignition":{"version":"3.4.0"}}`)
		for _, method := range []metal.FirstBootMethod{metal.Ignition, metal.Flatcar} {
			raw, _ := configured(t, m, method)
			_, found, err := v3_3.Parse(raw)
			require.NoError(t, err, found.String())
			require.Empty(t, found.Entries, found.String())
		}
	}
}

func TestEachSystemFindsItsConfigurationWhereItLooks(t *testing.T) {
	t.Parallel()
	f := rendered(t, single(), metal.Ignition).Files
	require.Len(t, f, 1)
	require.Equal(t, []any{"boot", "ignition/config.ign", uint32(0o600)}, []any{f[0].Partition, f[0].Path, f[0].Mode})
	f = rendered(t, single(), metal.Flatcar).Files
	require.Len(t, f, 1)
	require.Equal(t, []any{"OEM", "config.ign", uint32(0o600)}, []any{f[0].Partition, f[0].Path, f[0].Mode})
}

// TestTheTenantsConfigurationIsMergedAndGoesFirst has Ignition merge what the
// tenant gave into what we write.
func TestTheTenantsConfigurationIsMergedAndGoesFirst(t *testing.T) {
	t.Parallel()
	m := single()
	m.Tenancy.UserData = []byte(`{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"/etc/hostname","contents":{"source":"data:,mine"}}]},
		"passwd":{"users":[{"name":"core","groups":["docker"]}]}}`)
	raw, _ := configured(t, m, metal.Flatcar)
	var ours ignition
	require.NoError(t, json.Unmarshal(raw, &ours))
	parent, _, err := v3_3.Parse(raw)
	require.NoError(t, err)
	child, _, err := v3_3.Parse(decoded(t, ours.Ignition.Config.Merge[0]))
	require.NoError(t, err)
	merged := v3_3.Merge(parent, child)
	for _, f := range merged.Storage.Files {
		if f.Path == "/etc/hostname" {
			require.Equal(t, "data:,mine", *f.Contents.Source)
		}
	}
	require.Len(t, merged.Passwd.Users, 1)
	require.EqualValues(t, key, merged.Passwd.Users[0].SSHAuthorizedKeys[0])
	require.EqualValues(t, "docker", merged.Passwd.Users[0].Groups[0])
	require.Len(t, merged.Systemd.Units, 1, "what phones home is still there")
}
