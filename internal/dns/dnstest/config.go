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
}

// Program copies a server's program into a folder of the test and returns its
// path there, because Debian's AppArmor profiles go by paths such as
// /usr/sbin/named, and keep those out of the folders where tests have files.
// It is cp that copies: a file that this process had open for writing may be
// busy in a child that another test forks at that moment, and then not run.
func Program(t testing.TB, name, folder string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = "/usr/sbin/" + name // which only root has in its PATH
	}
	own := filepath.Join(folder, name)
	out, err := exec.Command("cp", path, own).CombinedOutput()
	require.NoError(t, err, "install the package of %s: %s", name, out)
	return own
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
