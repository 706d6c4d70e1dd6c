package clients_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func (n *tenant) must(args ...string) string {
	n.t.Helper()
	out, errs, err := n.cli(args...)
	require.NoError(n.t, err, "starter %v\n%s%s", args, out, errs)
	return out
}

func TestOurCommandLineLeadsADeviceThroughItsLife(t *testing.T) {
	t.Parallel()
	n := newTenant(t, "cli")
	n.must("my", "project", "create", "shop")
	require.Contains(t, n.must("my", "projects"), "shop")
	require.Contains(t, n.must("my", "user"), "cli@example.net")
	require.Contains(t, n.must("plans"), plan)
	require.Contains(t, n.must("systems"), system)
	require.Contains(t, n.must("metros"), metro)
	require.Regexp(t, metro+` +`+plan, n.must("capacity"))
	require.Contains(t, n.must("capacity", "--metro", metro, "--plan", plan), "true")
	key := filepath.Join(t.TempDir(), "id.pub")
	require.NoError(t, os.WriteFile(key, []byte(publicKey(t)+" me\n"), 0o600))
	n.must("sshkey", "add", key, "--label", "laptop")
	require.Contains(t, n.must("sshkey", "list"), "laptop")

	out, errs, err := n.cli("device", "create", "--plan", plan, "--os", system, "--metro", metro, "--hostname", "web1", "--tag", "a", "--wait")
	require.NoError(t, err, errs)
	require.Regexp(t, `(?m)^state +active$`, out)
	require.Regexp(t, `(?m)s  active$`, errs)
	require.Regexp(t, `(?m)s  (queued|provisioning  [0-9]+ %  .+)$`, errs) // the lab's machines may be through between two looks
	require.Regexp(t, `web1 +active`, n.must("device", "list"))
	var shown struct{ Hostname string }
	require.NoError(t, json.Unmarshal([]byte(n.must("device", "show", "web1", "-o", "json")), &shown))
	require.Equal(t, "web1", shown.Hostname)

	n.must("device", "update", "web1", "--hostname", "web2", "--tag", "b")
	n.must("device", "lock", "web2")
	_, errs, err = n.cli("device", "delete", "web2")
	require.Error(t, err)
	require.Contains(t, errs, "lock")
	n.must("device", "unlock", "web2")
	n.must("device", "reinstall", "web2", "--os", other, "--wait")
	n.must("device", "power", "off", "web2", "--wait")
	n.must("device", "power", "on", "web2", "--wait")
	require.NotEmpty(t, n.must("device", "events", "web2"))

	var block struct{ Network string }
	require.NoError(t, json.Unmarshal([]byte(n.must("address", "reserve", "--metro", metro, "-o", "json")), &block))
	require.Contains(t, n.must("address", "list"), block.Network+"/32")
	n.must("address", "assign", block.Network, "web2")
	require.Contains(t, n.must("device", "show", "web2"), block.Network+"/32")
	n.must("address", "unassign", block.Network, "web2")
	n.must("address", "release", block.Network+"/32")
	n.must("my", "project", "bgp", "--as", "65000")
	n.must("device", "session", "add", "ipv4", "web2")
	require.Regexp(t, `ipv4`, n.must("device", "session", "list", "web2"))
	n.must("my", "usage")
	require.Contains(t, n.must("device", "delete", "web2", "--wait"), "is gone")
}
