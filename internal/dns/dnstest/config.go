package dnstest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// configure writes what named reads. Nothing of it lies in /etc or /var, and
// nobody is told of anything.
func (s *Server) configure(t testing.TB) {
	t.Helper()
	var conf strings.Builder
	fmt.Fprintf(&conf, head, s.dir, s.KeyName, s.Algorithm, s.Secret, s.Reader.User, s.Reader.Password)
	for i, zone := range s.zones {
		file := fmt.Sprintf("zone%d.db", i) // a zone of RFC 2317 has a slash in its name
		s.put(t, file, fmt.Sprintf(emptyZone, strings.TrimSuffix(zone, ".")+"."))
		fmt.Fprintf(&conf, "zone %q { type primary; file %q; allow-update { key %q; }; };\n", zone, file, s.KeyName)
	}
	s.put(t, "named.conf", conf.String())
	s.copyNamed(t)
}

// copyNamed runs named from the test's own folder, because Debian's AppArmor
// profile goes by the path /usr/sbin/named and keeps that one out of the
// folders where tests have their files.
func (s *Server) copyNamed(t testing.TB) {
	t.Helper()
	path, err := exec.LookPath("named")
	if err != nil {
		path = "/usr/sbin/named" // which only root has in its PATH
	}
	program, err := os.ReadFile(path)
	require.NoError(t, err, "install bind9")
	own := filepath.Join(s.dir, "named")
	if _, err := os.Stat(own); err != nil {
		require.NoError(t, os.WriteFile(own, program, 0o700))
	}
}

func (s *Server) put(t testing.TB, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600))
}

const head = `options {
	directory %q;
	listen-on { 127.0.0.1; };
	pid-file none;
	session-keyfile none;
	recursion no;
	dnssec-validation no;
	empty-zones-enable no;
	notify no;
	allow-transfer { key %[2]q; };
};
controls { };
key %[2]q { algorithm %[3]s; secret %[4]q; };
key %[5]q { algorithm %[3]s; secret %[6]q; };
`

const emptyZone = `$TTL 60
$ORIGIN %s
@ SOA localhost. root.localhost. 1 3600 600 86400 60
@ NS localhost.
`
