package firstboot

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

var update = flag.Bool("update", false, "write the golden files")

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFfGQxVnTLSOgtmXaJ6eQ9vlrL1qQUw5uDjqLSm4pGfF ann@acme"

var options = Options{
	URL:       "http://10.0.0.1:8080",
	Resolvers: []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8:53::53")},
}

func lease(prefix string, role metal.Role) metal.Lease {
	return metal.Lease{Prefix: netip.MustParsePrefix(prefix), Role: role, Site: "lab1"}
}

// single is a machine with one NIC. Its leases are in no useful order, and one
// is elastic.
func single() metal.BootMachine {
	elastic := lease("203.0.113.77/32", metal.Public)
	elastic.Elastic = true
	return metal.BootMachine{
		ID: "m7", Port: metal.Port{Switch: "tor-r1", Name: "xe-0/0/7"}, MACs: []string{"52:54:00:00:00:0A"},
		Intent: metal.BootIntent{Number: 12, Agent: true},
		Tenancy: &metal.Tenancy{
			Device: "6a1c3a5e-6f0f-4e39-8a4e-0d5a3a4b7c11", Project: "acme", Site: "lab1", Plan: "c1.small", Hostname: "web1.example.net",
			OperatingSystem: metal.OperatingSystem{ID: "debian_12", Distro: "debian", Version: "12"},
			Leases: []metal.Lease{
				elastic, lease("2001:db8::4/127", metal.Public), lease("10.1.0.8/31", metal.Private), lease("198.51.100.4/31", metal.Public),
			},
			SSHKeys: []string{key}, UserData: []byte("#!/bin/sh\necho hello\n"),
		},
	}
}

// bundle has two NICs in one LACP bundle.
func bundle() metal.BootMachine {
	m := single()
	m.Port.Name = "ae7"
	m.MACs = append(m.MACs, "52:54:00:00:01:0a")
	return m
}

// independent has two NICs at two switches.
func independent() metal.BootMachine {
	m := single()
	m.MACs = append(m.MACs, "52:54:00:00:01:0a")
	m.Tenancy.Leases = append(m.Tenancy.Leases,
		lease("10.1.0.10/31", metal.Private), lease("198.51.100.200/32", metal.Public), lease("2001:db8::c8/128", metal.Public))
	return m
}

// onSecond says that the second private link is on the second NIC.
var onSecond = map[netip.Prefix]int{netip.MustParsePrefix("10.1.0.10/31"): 1}

// of makes the machine's system one of a distribution.
func of(distro string, m metal.BootMachine) metal.BootMachine {
	m.Tenancy.OperatingSystem.Distro = distro
	return m
}

// rendered is the first boot of a machine.
func rendered(t *testing.T, m metal.BootMachine, method metal.FirstBootMethod) metal.FirstBoot {
	t.Helper()
	o := options
	o.Positions = onSecond
	first, err := Render(m, method, o)
	require.NoError(t, err)
	return first
}

// file is one of a seed's files.
func file(t *testing.T, first metal.FirstBoot, name string) []byte {
	t.Helper()
	for _, f := range first.Seed.Files {
		if f.Path == name {
			return f.Body
		}
	}
	require.Fail(t, "no file of that name in the seed", name)
	return nil
}

// configured is the Ignition configuration of a machine, and its files by path.
func configured(t *testing.T, m metal.BootMachine, method metal.FirstBootMethod) (raw []byte, files map[string]string) {
	t.Helper()
	raw = rendered(t, m, method).Files[0].Body
	var c ignition
	require.NoError(t, json.Unmarshal(raw, &c))
	files = map[string]string{}
	for _, f := range c.Storage.Files {
		files[f.Path] = string(decoded(t, f.Contents))
	}
	for _, u := range c.Systemd.Units {
		files[u.Name] = u.Contents
	}
	return raw, files
}

// run runs a foreign program, and gives what it prints.
func run(t *testing.T, stdin []byte, name string, args ...string) (out string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(t.Context(), name, args...)
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	require.NoError(t, c.Run(), "%s %s\n%s%s", name, args, &stdout, &stderr)
	return stdout.String()
}

func write(t *testing.T, path string, body []byte) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, body, 0o600))
	return path
}

// golden compares with a file that people have read.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), path)
}
