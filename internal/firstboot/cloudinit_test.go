package firstboot

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// python3 is Debian's: cloud-init is a module of it.
const python3 = "/usr/bin/python3"

// heard is what cloud-init's own code reads out of a seed.
type heard struct {
	ID, Hostname, User string
	Keys               []string
	Network            map[string]any
	UserParts          []part `json:"user_parts"`
	VendorParts        []part `json:"vendor_parts"`
}

type part struct{ Type, Name, Text string }

func hear(t *testing.T, first metal.FirstBoot) (h heard) {
	t.Helper()
	folder := t.TempDir()
	for _, f := range first.Seed.Files {
		write(t, filepath.Join(folder, "seed", "nocloud", f.Path), f.Body)
	}
	out := run(t, nil, python3, "testdata/nocloud.py", folder)
	require.NoError(t, json.Unmarshal([]byte(out), &h), out)
	return h
}

func TestTheSeedIsTheGoldenOne(t *testing.T) {
	t.Parallel()
	first := rendered(t, single(), metal.CloudInit)
	require.Equal(t, "http://10.0.0.1:8080/phone-home?boot=12", first.PhoneHomeURL)
	require.Equal(t, "http://10.0.0.1:8080/metadata", first.MetadataURL)
	require.Equal(t, "CIDATA", first.Seed.Label)
	require.Empty(t, first.Files)
	for _, f := range first.Seed.Files {
		golden(t, f.Path, f.Body)
	}
	golden(t, "network-config.bundle", file(t, rendered(t, bundle(), metal.CloudInit), "network-config"))
	golden(t, "network-config.bundle-centos", file(t, rendered(t, of("centos", bundle()), metal.CloudInit), "network-config"))
	golden(t, "network-config.independent", file(t, rendered(t, independent(), metal.CloudInit), "network-config"))
	golden(t, "vendor-data.independent", file(t, rendered(t, independent(), metal.CloudInit), "vendor-data"))
}

func TestCloudInitReadsTheSeedAsItIsMeant(t *testing.T) {
	t.Parallel()
	h := hear(t, rendered(t, single(), metal.CloudInit))
	require.Equal(t, "6a1c3a5e-6f0f-4e39-8a4e-0d5a3a4b7c11-12", h.ID)
	require.Equal(t, "web1.example.net", h.Hostname)
	require.Equal(t, []string{key}, h.Keys)
	require.Equal(t, "#!/bin/sh\necho hello\n", h.User)
	require.Equal(t, "text/x-shellscript", h.UserParts[0].Type)
	require.Len(t, h.VendorParts, 2)
	require.Equal(t, "text/cloud-config", h.VendorParts[0].Type)
	require.Equal(t, "text/cloud-boothook", h.VendorParts[1].Type)
	require.Contains(t, h.VendorParts[1].Text, "phone-home?boot=12")
	require.EqualValues(t, 2, h.Network["version"])

	cfg := write(t, filepath.Join(t.TempDir(), "login.cfg"), []byte(h.VendorParts[0].Text))
	require.Contains(t, run(t, nil, "cloud-init", "schema", "--config-file", cfg), "Valid cloud-config")
}

func TestAReinstallIsANewInstance(t *testing.T) {
	t.Parallel()
	m := single()
	before := file(t, rendered(t, m, metal.CloudInit), "meta-data")
	m.Intent.Number++
	require.NotEqual(t, before, file(t, rendered(t, m, metal.CloudInit), "meta-data"))
}

func TestUserDataPassesByteForByteButAScriptForIPXE(t *testing.T) {
	t.Parallel()
	m := single()
	for _, given := range []string{"", "#cloud-config\r\nruncmd: [x]", "\x1f\x8b\x08\x00\xff\x00", "Content-Type: multipart/mixed; boundary=b\n\n--b--"} {
		m.Tenancy.UserData = []byte(given)
		require.Equal(t, given, string(file(t, rendered(t, m, metal.CloudInit), "user-data")))
	}
	m.Tenancy.UserData = []byte("#!ipxe\nchain http://example.net/\n")
	require.Empty(t, file(t, rendered(t, m, metal.CloudInit), "user-data"))
	hear(t, rendered(t, m, metal.CloudInit)) // which still takes the seed
}

// TestTheTenantsUserDataCannotReplaceWhatPhonesHome has cloud-init merge our
// vendor data with user data that has all the keys that could be in the way.
func TestTheTenantsUserDataCannotReplaceWhatPhonesHome(t *testing.T) {
	t.Parallel()
	m := single()
	m.Tenancy.UserData = []byte("#cloud-config\nruncmd: [mine]\nwrite_files: []\nbootcmd: [mine]\nphone_home: {url: 'http://192.0.2.1/'}\n")
	h := hear(t, rendered(t, m, metal.CloudInit))
	require.Equal(t, "text/cloud-config", h.UserParts[0].Type)
	require.NotContains(t, h.VendorParts[0].Text, "runcmd", "of two such keys cloud-init takes the tenant's")
	require.NotContains(t, h.VendorParts[0].Text, "write_files")
	require.Contains(t, h.VendorParts[1].Text, "systemctl enable")
}
