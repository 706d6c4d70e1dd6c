package main

import (
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestFilesAreServedWithRangesAndNothingBesideThem(t *testing.T) {
	t.Parallel()
	r := setup(t, newWorld(machine("m7", 14)))
	for path, want := range map[string]string{
		"/snponly.efi": "an EFI program", "/agent-files/vmlinuz": "a kernel",
	} {
		code, body := r.ask(m7, "GET", path, "")
		require.Equal(t, http.StatusOK, code, path)
		require.Equal(t, want, body)
	}
	code, _ := r.ask(m7, "HEAD", "/snponly.efi", "")
	require.Equal(t, http.StatusOK, code, "UEFI HTTP boot asks for the head first")
	code, body := r.ask(m7, "GET", "/snponly.efi", "", "Range", "bytes=2-")
	require.Equal(t, http.StatusPartialContent, code)
	require.Equal(t, " EFI program", body)
	for _, path := range []string{
		"/images/", "/images/folder", "/images/" + strings.Repeat("ab", 32) + "/index", "/images/none", "/images/..%2f..%2fetc%2fpasswd", "/images/%2fetc%2fpasswd",
		"/metrics", "/healthz", "/ipxe-arm64.efi", "/undionly.kpxe",
	} {
		code, _ := r.ask(m7, "GET", path, "")
		require.Equal(t, http.StatusNotFound, code, path)
	}
}

func TestALinkMayLeaveTheFolderOfIPXEButNoOther(t *testing.T) {
	t.Parallel()
	r := setup(t, newWorld(machine("m7", 14)))
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("elsewhere"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(r.srv.IPXEFolder, "ipxe-arm64.efi")))
	code, body := r.ask(m7, "GET", "/ipxe-arm64.efi", "")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "elsewhere", body)
	code, _ = r.ask(m7, "GET", "/images/ipxe-arm64.efi", "")
	require.Equal(t, http.StatusNotFound, code)
}

func TestTFTPServesOneFolderOnly(t *testing.T) {
	t.Parallel()
	r := setup(t, newWorld())
	require.Equal(t, "a BIOS program", r.tftp("undionly.kpxe"))
	require.Equal(t, "a BIOS program", r.tftp("/undionly.kpxe"))
	beside := filepath.Join(r.srv.IPXEFolder, "folder", "beside")
	require.NoError(t, os.WriteFile(beside, []byte("not a program"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(r.srv.IPXEFolder, ".hidden"), nil, 0o600))
	for _, name := range []string{"folder/beside", "folder/../undionly.kpxe", "/" + beside, ".hidden", "..", "."} {
		_, err := r.srv.openIPXE(name)
		require.ErrorIs(t, err, os.ErrNotExist, name)
	}
}

func TestAWrongFlagEndsTheProgramBeforeItServes(t *testing.T) {
	t.Parallel()
	good := Config{Site: "lab1", Address: netip.MustParseAddr("10.0.0.1"), URL: "http://10.0.0.1:8080"}
	require.NoError(t, good.check())
	for name, change := range map[string]func(*Config){
		"a slash at the end": func(c *Config) { c.URL += "/" },
		"TLS":                func(c *Config) { c.URL = "https://10.0.0.1" },
		"IPv6":               func(c *Config) { c.Address = netip.MustParseAddr("::1") },
		"no site":            func(c *Config) { c.Site = "" },
	} {
		c := good
		change(&c)
		require.Error(t, c.check(), name)
	}
	good.AgentFolder, good.Images.Folder = t.TempDir(), "/nowhere"
	_, err := open(good, newWorld(), newWorld(), quiet())
	require.ErrorContains(t, err, "/nowhere")
}

func TestASocketThatCannotBeOpenedIsNamed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for flag, change := range map[string]func(*Config){
		"DHCP": func(c *Config) { c.DHCPListen = "nowhere" }, "TFTP": func(c *Config) { c.TFTPListen = "nowhere" },
		"HTTP": func(c *Config) { c.HTTPListen = "nowhere" }, "admin": func(c *Config) { c.AdminListen = "nowhere" },
	} {
		cfg := Config{Site: "lab1", Address: netip.MustParseAddr("10.0.0.1"), URL: "http://10.0.0.1:8080",
			DHCPListen: "127.0.0.1:0", TFTPListen: "127.0.0.1:0", HTTPListen: "127.0.0.1:0", AdminListen: "127.0.0.1:0",
			AgentFolder: folder, Images: ImageConfig{Folder: folder}, ErasureKey: filepath.Join(folder, "erasure.pem")}
		change(&cfg)
		_, err := open(cfg, newWorld(), newWorld(), quiet())
		require.ErrorContains(t, err, "listen for "+flag+" on nowhere")
	}
}

func TestEveryFlagCanBeGivenInTheEnvironment(t *testing.T) {
	t.Setenv("MILLWRIGHT_SITE", "lab1")
	t.Setenv("MILLWRIGHT_ADDRESS", "10.0.0.1")
	t.Setenv("MILLWRIGHT_URL", "http://10.0.0.1")
	t.Setenv("MILLWRIGHT_POSTGRES", "postgres://localhost/millwright")
	var c commandLine
	parser, err := kong.New(&c, kong.DefaultEnvars("MILLWRIGHT"))
	require.NoError(t, err)
	_, err = parser.Parse(nil)
	require.NoError(t, err)
	require.Equal(t, metal.SiteID("lab1"), c.Site)
	require.Equal(t, "10.0.0.1", c.Address.String())
	require.Equal(t, "postgres://localhost/millwright", c.Postgres)
	require.NoError(t, c.check())
}
