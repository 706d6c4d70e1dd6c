package dnstest

import (
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Dig asks the server as anybody may, and returns the data of the answers,
// sorted. To ask for an address's name, the kind is "-x" and the name is the
// address. A CNAME into another zone is answered alone, for the asker to
// follow: this server asks nobody.
func (s *Server) Dig(t testing.TB, name, kind string) []string {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Addr)
	require.NoError(t, err)
	args := []string{"-r", "@" + host, "-p", port, "+short", "+tries=3", "+time=5"}
	if kind == "-x" {
		args = append(args, "-x", name)
	} else {
		args = append(args, "-q", name, "-t", kind)
	}
	out, err := exec.Command("dig", args...).CombinedOutput()
	require.NoError(t, err, "dig, of bind9-dnsutils: %s", out)
	if len(out) == 0 {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// Edit changes zones as a person with the key would. Each line is one of
// nsupdate's: "add www.lab1.example.net 60 A 192.0.2.1".
func (s *Server) Edit(t testing.TB, lines ...string) {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Addr)
	require.NoError(t, err)
	script := "server " + host + " " + port + "\n" +
		"key " + s.Algorithm + ":" + s.KeyName + " " + s.Secret + "\n" +
		strings.Join(lines, "\n") + "\nsend\n"
	cmd := exec.Command("nsupdate", "-v") // over TCP; the key stays off the command line
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "nsupdate, of bind9-dnsutils: %s", out)
}
