package catalogue

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestEverySystemIsComplete(t *testing.T) {
	t.Parallel()
	all, err := All()
	require.NoError(t, err)
	ids := []string{}
	for _, s := range all {
		ids = append(ids, string(s.ID))
		if s.FirstBoot == metal.IPXE {
			continue
		}
		require.Len(t, s.Images, 2, "%s: an image for each architecture", s.ID)
		require.NotEqual(t, "none", s.PhoneHome, s.ID)
		if s.Proven.State != Booted {
			require.NotEmpty(t, s.Unverified, "%s: who has not booted an image does not know all of it", s.ID)
		}
	}
	require.Equal(t, []string{
		"centos_stream_10", "centos_stream_9", "custom_ipxe", "debian_12", "debian_13", "fedora_coreos_stable",
		"flatcar_stable", "ubuntu_22_04", "ubuntu_24_04",
	}, ids)
}

func TestASystemIsFoundByItsID(t *testing.T) {
	t.Parallel()
	s, err := Find("debian_12")
	require.NoError(t, err)
	require.Equal(t, "Debian 12 (bookworm)", s.Name)
	_, err = Find("beos_5")
	require.ErrorIs(t, err, ErrUnknown)
	require.ErrorContains(t, err, "operating system beos_5: not in the catalogue; it has centos_stream_10, ")
}

func TestAMistakeInAFileIsNamed(t *testing.T) {
	t.Parallel()
	good, err := files.ReadFile("systems/debian_12.yaml")
	require.NoError(t, err)
	for _, c := range []struct{ file, old, new, want string }{
		{"debian_12.yaml", "", "", ""},
		{"Debian-12.yaml", "", "", "Debian-12.yaml: the file's name is the system's ID"},
		{"debian_12.yaml", "user: debian", "usr: debian", "field usr not found"},
		{"debian_12.yaml", "user: debian", "", "user and console: one is missing"},
		{"debian_12.yaml", "distro: debian", "", "name, distro, version and kernel"},
		{"debian_12.yaml", "first_boot: cloud-init", "first_boot: kickstart", `first_boot: "kickstart" is none of`},
		{"debian_12.yaml", "phone_home: python3", "phone_home: pigeon", `phone_home: "pigeon"`},
		{"debian_12.yaml", "network: netplan", "network: wicked", `network: "wicked"`},
		{"debian_12.yaml", "[bios, uefi]", "[bios, coreboot]", "boot_modes"},
		{"debian_12.yaml", "arch: aarch64", "arch: x86_64", "images: x86_64 twice"},
		{"debian_12.yaml", "arch: aarch64", "arch: arm64", `arch: "arm64"`},
		{"debian_12.yaml", "format: qcow2", "format: iso", `format: "iso"`},
		{"debian_12.yaml", "url: https:", "url: http:", `url: "http:`},
		{"debian_12.yaml", "form: sha512sums", "form: md5sums", `checksums.form: "md5sums"`},
		{"debian_12.yaml", `{url: "https:`, `{url: "http:`, "checksums.url"},
		{"debian_12.yaml", "state: validated", "state: hoped", `proven.state: "hoped"`},
		{"debian_12.yaml", "2026-11-22", "yesterday", "proven.date"},
		{"debian_12.yaml", "unverified: [console", "unverified: [konsole", `there is no field "konsole"`},
		{"debian_12.yaml", "notes:", "---\nnotes:", "more than one document"},
	} {
		require.Contains(t, string(good), c.old)
		text := strings.Replace(string(good), c.old, c.new, 1)
		_, err := load(fstest.MapFS{c.file: {Data: []byte(text)}})
		if c.want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.want)
	}
}

// published makes a list of the checksums of a file by the tools that vendors
// use, with another file in it.
func published(t *testing.T, file string, tool ...string) []byte {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"other", file} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(name), 0o600))
	}
	c := exec.CommandContext(t.Context(), tool[0], append(tool[1:], "other", file)...)
	c.Dir = folder
	out, err := c.Output()
	require.NoError(t, err)
	return out
}

func TestADigestIsReadOutOfEachFormOfList(t *testing.T) {
	t.Parallel()
	const file = "image.qcow2"
	sum256 := strings.Fields(string(published(t, file, "sha256sum")))[2]
	sum512 := strings.Fields(string(published(t, file, "sha512sum")))[2]
	flatcar := "# MD5 HASH\n" + string(published(t, file, "md5sum")) + "# SHA1 HASH\n" + string(published(t, file, "sha1sum")) +
		"# SHA512 HASH\n" + string(published(t, file, "sha512sum"))
	stream := `{"architectures":{"x86_64":{"artifacts":{"metal":{"formats":{"raw.xz":{"disk":{"location":"https://example.net/image.qcow2","sha256":"` + sum256 + `"}}}}}}}}`
	for form, c := range map[Form]struct{ list, digest string }{
		SHA256Sums: {string(published(t, file, "sha256sum", "--binary")), sum256},
		SHA512Sums: {string(published(t, file, "sha512sum")), sum512},
		Tagged:     {"# image.qcow2: 11 bytes\n" + string(published(t, file, "sha256sum", "--tag")), sum256},
		Digests:    {flatcar, sum512},
		Stream:     {stream, sum256},
	} {
		i := Image{Arch: "x86_64", Format: "raw.xz", URL: "https://example.net/" + file, Checksums: Checksums{URL: "https://example.net/list", Form: form}}
		if form == Stream {
			i.URL = ""
		}
		p, err := i.Published([]byte(c.list))
		require.NoError(t, err, form)
		require.Equal(t, c.digest, p.Digest, form)
		require.Equal(t, "https://example.net/"+file, p.URL)

		for name, wrong := range map[string]string{
			"of another image": strings.ReplaceAll(c.list, file, "imageXqcow2"),
			"cut off":          strings.ReplaceAll(c.list, c.digest, c.digest[:40]),
			"no digest":        strings.ReplaceAll(c.list, c.digest, strings.Repeat("g", len(c.digest))),
		} {
			if form == Stream && name == "of another image" {
				wrong = strings.ReplaceAll(c.list, "x86_64", "s390x")
			}
			_, err = i.Published([]byte(wrong))
			require.ErrorIs(t, err, ErrNoChecksum, "%s: %s", form, name)
		}
	}
	_, err := Image{Arch: "x86_64", Checksums: Checksums{Form: Stream}}.Published([]byte("<html>"))
	require.ErrorContains(t, err, "invalid character")
}
