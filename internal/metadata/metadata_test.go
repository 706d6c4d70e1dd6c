package metadata

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

var update = flag.Bool("update", false, "write the golden file")

const url = "http://10.0.0.1:8080"

func lease(prefix string, role metal.Role) metal.Lease {
	return metal.Lease{Prefix: netip.MustParsePrefix(prefix), Role: role, Site: "lab1"}
}

func tenant() metal.BootMachine {
	return metal.BootMachine{
		ID: "m7", Port: metal.Port{Switch: "tor-r1", Name: "ae7"},
		MACs:   []string{"52:54:00:00:00:07", "52:54:00:00:01:07"},
		Intent: metal.BootIntent{Number: 12},
		Tenancy: &metal.Tenancy{
			Device: "6a1c3a5e-6f0f-4e39-8a4e-0d5a3a4b7c11", Project: "acme", Site: "lab1", Plan: "c1.small", Hostname: "web1",
			OperatingSystem: metal.OperatingSystem{ID: "debian_12", Distro: "debian", Version: "12"},
			Leases: []metal.Lease{
				lease("198.51.100.4/31", metal.Public), lease("10.1.0.8/31", metal.Private), lease("2001:db8::4/127", metal.Public),
			},
			SSHKeys: []string{"ssh-ed25519 AAAA ann@acme"}, Tags: []string{"web"}, UserData: []byte("#!/bin/sh\necho hello\n"),
			Metro: "lab", State: metal.Active, CreatedAt: time.Date(2026, 11, 22, 10, 30, 0, 5, time.UTC),
			CustomData: json.RawMessage(`{"role":"front"}`),
		},
	}
}

// get asks on behalf of what the finder finds.
func get(m metal.BootMachine, err error, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	find := func(*http.Request) (metal.BootMachine, error) { return m, err }
	Handler(find, url).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestTheDocumentIsTheGoldenOne(t *testing.T) {
	t.Parallel()
	w := get(tenant(), nil, "/metadata")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, w.Body.Bytes(), "", "  "))
	if *update {
		require.NoError(t, os.WriteFile("testdata/metadata.json", pretty.Bytes(), 0o644))
	}
	golden, err := os.ReadFile("testdata/metadata.json")
	require.NoError(t, err)
	require.Equal(t, string(golden), pretty.String())
}

// TestWhatAfterburnRequiresIsThere holds a device with next to nothing against
// the fields without which afterburn's packet provider refuses to start.
func TestWhatAfterburnRequiresIsThere(t *testing.T) {
	t.Parallel()
	bare := metal.BootMachine{Tenancy: &metal.Tenancy{Leases: tenant().Tenancy.Leases}}
	var got map[string]any
	require.NoError(t, json.Unmarshal(get(bare, nil, "/metadata").Body.Bytes(), &got))
	for _, field := range []string{"id", "hostname", "iqn", "plan", "facility", "tags", "ssh_keys", "network", "phone_home_url"} {
		require.NotNil(t, got[field], field)
	}
	network := got["network"].(map[string]any)
	require.NotNil(t, network["interfaces"])
	require.NotNil(t, network["bonding"].(map[string]any)["mode"])
	for _, a := range network["addresses"].([]any) {
		for _, field := range []string{"id", "address_family", "public", "management", "address", "netmask", "gateway"} {
			require.Contains(t, a, field)
		}
	}
}

func TestOnlyABundleIsTakenForLACP(t *testing.T) {
	t.Parallel()
	m := tenant()
	require.Equal(t, bondLACP, networkOf(m).Bonding.Mode)
	m.MACs, m.Port.Name = m.MACs[:1], "xe-0/0/7"
	require.Equal(t, Single, WiringOf(m))
	require.Equal(t, bondAny, networkOf(m).Bonding.Mode)
	m.MACs = tenant().MACs
	require.Equal(t, Bundle, WiringOf(m), "two NICs at one port are a bundle, whatever their switch calls it")
	m.Tenancy.Leases = append(m.Tenancy.Leases, lease("198.51.100.200/32", metal.Public))
	require.Equal(t, Independent, WiringOf(m))
	require.Equal(t, bondAny, networkOf(m).Bonding.Mode)
}

func TestWhatIsRoutedToAMachineIsListedAsItIs(t *testing.T) {
	t.Parallel()
	m := tenant()
	elastic := lease("203.0.113.8/29", metal.Public)
	elastic.Elastic = true
	m.Tenancy.Leases = append([]metal.Lease{elastic, lease("198.51.100.200/32", metal.Public)}, m.Tenancy.Leases...)
	elastic.Prefix = netip.MustParsePrefix("203.0.113.16/32")
	m.Tenancy.Leases = append(m.Tenancy.Leases, elastic, lease("198.51.100.201/32", metal.Public))
	var got Document
	require.NoError(t, json.Unmarshal(get(m, nil, "/metadata").Body.Bytes(), &got))
	a := got.Network.Addresses
	require.Equal(t, []any{"203.0.113.8", 29, false}, []any{a[0].Address, a[0].CIDR, a[0].Management})
	require.Equal(t, []any{"198.51.100.200", 32, true}, []any{a[1].Address, a[1].CIDR, a[1].Management})
	require.Equal(t, "198.51.100.5", get(m, nil, "/2009-04-04/meta-data/public-ipv4").Body.String(), "the link's, which the system has")
}

func TestTheEC2TreeHoldsTheSameFacts(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/2009-04-04/":                                  "meta-data\nuser-data",
		"/2009-04-04/user-data":                         "#!/bin/sh\necho hello\n",
		"/userdata":                                     "#!/bin/sh\necho hello\n",
		"/2009-04-04/meta-data/hostname":                "web1",
		"/2009-04-04/meta-data/public-ipv4":             "198.51.100.5",
		"/2009-04-04/meta-data/local-ipv4":              "10.1.0.9",
		"/2009-04-04/meta-data/public-ipv6":             "2001:db8::5",
		"/2009-04-04/meta-data/public-keys":             "ssh-ed25519 AAAA ann@acme",
		"/2009-04-04/meta-data/operating-system":        "distro\nlicense_activation/\nslug\nversion",
		"/2009-04-04/meta-data/operating-system/":       "distro\nlicense_activation/\nslug\nversion",
		"/2009-04-04/meta-data/operating-system/distro": "debian",
	} {
		w := get(tenant(), nil, path)
		require.Equal(t, http.StatusOK, w.Code, path)
		require.Equal(t, want, w.Body.String(), path)
	}
	require.Contains(t, get(tenant(), nil, "/2009-04-04/meta-data/").Body.String(), "operating-system/\n")
	require.Equal(t, http.StatusNotFound, get(tenant(), nil, "/2009-04-04/meta-data/ami-id").Code)
	require.Equal(t, http.StatusNotFound, get(tenant(), nil, "/2016-09-02/meta-data/").Code, "cloud-init tries newer ones first")
}

func TestWhatTheDeviceLacksIsNotListed(t *testing.T) {
	t.Parallel()
	m := tenant()
	m.Tenancy.SSHKeys, m.Tenancy.Leases = nil, m.Tenancy.Leases[1:2]
	list := get(m, nil, "/2009-04-04/meta-data/").Body.String()
	require.NotContains(t, list, "public-")
	require.Contains(t, list, "local-ipv4")
}

func TestStrangersAndMachinesWithoutDeviceLearnNothing(t *testing.T) {
	t.Parallel()
	idle := tenant()
	idle.Tenancy = nil
	for _, path := range []string{"/metadata", "/userdata", "/2009-04-04/user-data", "/2009-04-04/meta-data/hostname"} {
		require.Equal(t, http.StatusNotFound, get(idle, nil, path).Code)
		stranger := get(tenant(), fmt.Errorf("10.9.9.9: %w", metal.ErrUnknownMachine), path)
		require.Equal(t, http.StatusNotFound, stranger.Code)
		away := get(tenant(), errors.New("postgres is away"), path)
		require.Equal(t, http.StatusServiceUnavailable, away.Code)
		for _, w := range []*httptest.ResponseRecorder{stranger, away} {
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			require.NotContains(t, w.Body.String(), "web1")
			require.NotContains(t, w.Body.String(), "postgres")
		}
	}
}
