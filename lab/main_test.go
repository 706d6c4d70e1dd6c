package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"millwright/internal/sitefile"
)

// run parses and runs a command line as main does.
func run(t *testing.T, ctx context.Context, out io.Writer, args ...string) error {
	parser, err := kong.New(&commands{}, kong.Name("lab"))
	require.NoError(t, err)
	line, err := parser.Parse(args)
	if err != nil {
		return err
	}
	line.BindTo(ctx, (*context.Context)(nil))
	line.BindTo(out, (*io.Writer)(nil))
	line.Bind(new(slog.LevelVar), slog.New(slog.DiscardHandler))
	return line.Run()
}

func TestTheCommittedSiteFileIsWhatTheGeneratorPrints(t *testing.T) {
	t.Parallel()
	committed, err := os.ReadFile("site.yaml")
	require.NoError(t, err)
	var printed strings.Builder
	require.NoError(t, run(t, t.Context(), &printed, "site", "--machines", "8", "--net", "64"))
	require.Equal(t, string(committed), printed.String(), "print it again: go run ./lab site > lab/site.yaml")
	site, err := sitefile.Parse(committed, "site.yaml", map[string]bool{"switch": true, "bmc": true})
	require.NoError(t, err)
	require.Len(t, site.Machines, 8)
	require.Len(t, site.Racks, 2)
}

// folder holds a site file and its credentials.
func folder(t *testing.T, net string) (site, credentials string) {
	dir := t.TempDir()
	site, credentials = filepath.Join(dir, "site.yaml"), filepath.Join(dir, "credentials")
	file, err := os.Create(site)
	require.NoError(t, err)
	defer file.Close()
	require.NoError(t, run(t, t.Context(), file, "site", "--machines", "2", "--net", net))
	require.NoError(t, os.Mkdir(credentials, 0o700))
	for _, name := range []string{"switch", "bmc"} {
		require.NoError(t, os.WriteFile(filepath.Join(credentials, name), []byte("admin\nlab\n"), 0o600))
	}
	return site, credentials
}

func TestALabRunsUntilItIsStopped(t *testing.T) {
	t.Parallel()
	const net = "251"
	site, credentials := folder(t, net)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- run(t, ctx, io.Discard, "run", "--site", site, "--credentials", credentials,
			"--api", "127."+net+".0.1:8099", "--post", "1s-2s", "--faults", faults(t))
	}()
	url := fmt.Sprintf("http://127.%s.0.1:8099/faults", net)
	require.Eventually(t, func() bool {
		response, err := http.Get(url)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return err == nil && strings.Contains(string(body), "never-boots")
	}, 20*time.Second, 10*time.Millisecond)
	stop()
	require.NoError(t, <-ended)
}

func faults(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "faults.yaml")
	require.NoError(t, os.WriteFile(file, []byte("- {target: machine/m1, fault: never-boots}\n"), 0o600))
	return file
}

func TestALabSaysWhyItDoesNotRun(t *testing.T) {
	t.Parallel()
	site, credentials := folder(t, "252")
	missing := filepath.Join(t.TempDir(), "missing")
	for want, args := range map[string][]string{
		"credentials: list their folder": {"--site", site, "--credentials", missing},
		"read the site file":             {"--site", missing, "--credentials", credentials},
		"no credential is called":        {"--site", site, "--credentials", t.TempDir()},
		"read faults":                    {"--site", site, "--credentials", credentials, "--faults", missing},
		"want a duration such as 90s":    {"--site", site, "--credentials", credentials, "--post", "fast"},
		"missing flags: --credentials":   {"--site", site},
	} {
		require.ErrorContains(t, run(t, t.Context(), io.Discard, append([]string{"run"}, args...)...), want)
	}
}

func TestImagesAndAgentFilesAreWrittenWhereAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, run(t, t.Context(), io.Discard, "images", "--dir", dir+"/images", "--agent", dir+"/agent"))
	stored, err := filepath.Glob(dir + "/images/*/index")
	require.NoError(t, err)
	require.NotEmpty(t, stored)
	require.FileExists(t, dir+"/agent/initrd.img")
}
