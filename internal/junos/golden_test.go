package junos

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// variants are what a port may have, each as a change of the plainest tenant's.
var variants = map[string]func(metal.PortIntent) metal.PortIntent{
	"v4": func(p metal.PortIntent) metal.PortIntent {
		p.Links = p.Links[:2]
		return p
	},
	"v4-v6": func(p metal.PortIntent) metal.PortIntent { return p },
	"bgp":   peering,
	"bundle": func(p metal.PortIntent) metal.PortIntent {
		p.Port.Name, p.Members = "ae7", []string{"xe-0/0/7", "xe-1/0/7"}
		return p
	},
	// One port of a machine on two switches: its addresses are on loopback, and
	// each switch hears of them over that port's own links.
	"two-switches": func(p metal.PortIntent) metal.PortIntent {
		p = peering(p)
		p.BGP.Secret = ""
		p.BGP.Announce = []netip.Prefix{netip.MustParsePrefix("203.0.113.40/32"), netip.MustParsePrefix("2001:db8:7:300::1/128")}
		return p
	},
	"routed": routed,
	"install-30": func(p metal.PortIntent) metal.PortIntent {
		p.Port.Name, p.Install = "xe-0/0/7:1", link("10.0.0.12/30", metal.Install)
		return p
	},
	"advertise": func(p metal.PortIntent) metal.PortIntent {
		p.Advertise, p.Links = true, p.Links[:2]
		return p
	},
}

var profiles = []metal.Profile{metal.Parked, metal.Tenant, metal.Disabled}

// everyPort is every profile with every variant, by the name of its golden file.
func everyPort() map[string]metal.PortIntent {
	all := map[string]metal.PortIntent{}
	for name, change := range variants {
		for _, profile := range profiles {
			p := change(tenant("xe-0/0/7"))
			p.Profile = profile
			all[string(profile)+"-"+name] = p
		}
	}
	return all
}

func TestEveryProfileRendersAsItsGoldenFileSays(t *testing.T) {
	t.Parallel()
	for name, p := range everyPort() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name+".xml", indented(asConfigured(piecesOf(t, p)), ""))
		})
	}
}

// Juniper publishes its model: github.com/Juniper/yang, for this the folders
// native/conf-and-rpcs/junos-qfx/conf/models and common/models of 24.4R1. It is
// too large to keep here, so this test wants a folder with those files.
func TestEveryProfileIsValidByJunipersModel(t *testing.T) {
	t.Parallel()
	models := os.Getenv("JUNOS_YANG")
	if models == "" {
		t.Skip("set JUNOS_YANG to a folder with Juniper's models, and install yanglint (Debian's libyang2-tools)")
	}
	var modules []string
	for _, m := range []string{"root", "interfaces", "firewall", "forwarding-options", "policy-options", "routing-options", "protocols"} {
		found, err := filepath.Glob(filepath.Join(models, "junos-qfx-conf-"+m+"@*.yang"))
		require.NoError(t, err)
		require.Len(t, found, 1, m)
		modules = append(modules, found...)
	}
	for name, p := range everyPort() {
		file := filepath.Join(t.TempDir(), name+".xml")
		require.NoError(t, os.WriteFile(file, []byte(asModelled(asConfigured(piecesOf(t, p)))), 0o600))
		arguments := append([]string{"-p", models, "-t", "config"}, modules...)
		out, err := exec.CommandContext(t.Context(), "yanglint", append(arguments, file)...).CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
	}
}

// asModelled is a configuration as the model has it: each hierarchy in its
// namespace, and the one match type that a switch writes otherwise.
func asModelled(configuration *element) string {
	const space = "http://yang.juniper.net/junos-qfx/conf/"
	configuration.asked = ` xmlns="` + space + `root"`
	for _, c := range configuration.children {
		c.asked = ` xmlns="` + space + c.name + `"`
	}
	return strings.ReplaceAll(configuration.String(), "<orlonger/>", "<choice-ident>orlonger</choice-ident><choice-value/>")
}
