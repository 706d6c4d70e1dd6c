package clients_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// terraform is a folder with a configuration, and who it works for.
type terraform struct {
	t       *testing.T
	dir     string
	program string
	env     []string
}

// newTerraform uses the provider that we built, and asks no registry: a
// provider that is overridden needs no init.
func newTerraform(t *testing.T, n *tenant) *terraform {
	t.Helper()
	f := &terraform{t: t, dir: t.TempDir()}
	bin, err := filepath.Abs("../../bin")
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(bin, "terraform-provider-equinix"), "make tools builds it")
	for _, name := range []string{"terraform", "tofu", filepath.Join(bin, "tofu")} {
		if f.program, err = exec.LookPath(name); err == nil {
			break
		}
	}
	require.NoError(t, err, "neither terraform nor tofu is here; make tools builds one")
	text, err := os.ReadFile("testdata/main.tf")
	require.NoError(t, err)
	f.write("main.tf", string(text))
	f.write("rc", fmt.Sprintf("provider_installation {\n  dev_overrides { \"equinix/equinix\" = %q }\n}\n", bin))
	f.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + f.dir, "TF_CLI_CONFIG_FILE=" + filepath.Join(f.dir, "rc"),
		"CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "EQUINIX_API_ENDPOINT=http://" + running.API(), "METAL_AUTH_TOKEN=" + n.key,
		"TF_VAR_organization=" + n.org, "TF_VAR_public_key=" + publicKey(t), "TF_VAR_own_key=" + publicKey(t),
	}
	return f
}

func (f *terraform) write(name, text string) {
	f.t.Helper()
	require.NoError(f.t, os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600))
}

// run returns the exit code, and all that was printed.
func (f *terraform) run(args ...string) (int, string) {
	f.t.Helper()
	cmd := exec.CommandContext(f.t.Context(), f.program, append(args, "-no-color")...)
	cmd.Dir, cmd.Env = f.dir, f.env
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState.ExitCode() < 0 {
		require.NoError(f.t, err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func (f *terraform) must(args ...string) string {
	f.t.Helper()
	code, out := f.run(args...)
	require.Zero(f.t, code, "terraform %v\n%s", args, out)
	return out
}

// unchanged holds that a plan finds nothing to do.
func (f *terraform) unchanged(args ...string) {
	f.t.Helper()
	code, out := f.run(append([]string{"plan", "-detailed-exitcode", "-input=false"}, args...)...)
	require.Zero(f.t, code, "the plan is not empty\n%s", out)
}

// ids are those of the resources in the state, by address.
func (f *terraform) ids() map[string]string {
	f.t.Helper()
	var state struct {
		Values struct {
			Root struct {
				Resources []struct {
					Address string
					Values  map[string]any
				}
			} `json:"root_module"`
		}
	}
	require.NoError(f.t, json.Unmarshal([]byte(f.must("show", "-json")), &state))
	ids := map[string]string{}
	for _, r := range state.Values.Root.Resources {
		ids[r.Address], _ = r.Values["id"].(string)
	}
	return ids
}

func TestTerraformAppliesPlansNothingUpdatesImportsAndDestroys(t *testing.T) {
	t.Parallel()
	n := newTenant(t, "terraform")
	f := newTerraform(t, n)
	f.must("apply", "-auto-approve", "-input=false")
	before := f.ids()
	require.Len(t, before, 8)
	f.unchanged()

	renamed := []string{`-var=tags=["web","blue"]`, "-var=description=second"}
	out := f.must(append([]string{"apply", "-auto-approve", "-input=false"}, renamed...)...)
	require.Contains(t, out, "0 added, 1 changed, 0 destroyed")
	require.Equal(t, before, f.ids(), "nothing was replaced")
	f.unchanged(renamed...)

	f.imports(before, renamed)
	f.must(append([]string{"destroy", "-auto-approve", "-input=false"}, renamed...)...)
	require.Empty(t, f.ids())
	d, err := n.sdk().devices(t, before["equinix_metal_project.shop"])
	require.True(t, err != nil || len(d) == 0 || slices.Equal(d, []string{"deprovisioning"}), "%v %v", d, err)
}

// imports forgets what can be imported, and finds it again.
func (f *terraform) imports(ids map[string]string, variables []string) {
	f.t.Helper()
	for _, address := range []string{
		"equinix_metal_project.shop", "equinix_metal_ssh_key.mine", "equinix_metal_device.web",
		"equinix_metal_reserved_ip_block.front", "equinix_metal_ip_attachment.front", "equinix_metal_bgp_session.web",
	} {
		f.must("state", "rm", address)
		f.must(append([]string{"import", "-input=false"}, append(variables, address, ids[address])...)...)
	}
	require.Equal(f.t, ids, f.ids())
	f.write("override.tf", onlyAtCreation)
	out := f.must(append([]string{"apply", "-auto-approve", "-input=false"}, variables...)...)
	require.Contains(f.t, out, "0 added", "nothing is replaced")
	require.Contains(f.t, out, "0 destroyed")
	f.unchanged(variables...)
}

// onlyAtCreation is what the provider does not read back at an import, so that it
// would replace the device to have it.
const onlyAtCreation = `resource "equinix_metal_device" "web" {
  lifecycle {
    ignore_changes = [user_data, project_ssh_key_ids]
  }
}
`
