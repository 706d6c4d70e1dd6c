package authority_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/authority"
)

const name = "api.equinix.com"

// openssl is a reader of certificates that we did not write.
func openssl(args ...string) (string, error) {
	said, err := exec.Command("openssl", args...).CombinedOutput()
	return string(said), err
}

func made(t *testing.T, names ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ca")
	_, err := authority.Make(dir, names, time.Now())
	require.NoError(t, err)
	return dir
}

func TestTheServersCertificateIsGoodForItsNameAndNoOther(t *testing.T) {
	t.Parallel()
	dir := made(t, name)
	for host, good := range map[string]bool{name: true, "api.packet.net": false} {
		said, err := openssl("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", host, "-CAfile", filepath.Join(dir, "ca.pem"), filepath.Join(dir, "server.pem"))
		require.Equal(t, good, err == nil, "%s: %s", host, said)
	}
	for file, mode := range map[string]os.FileMode{"ca.key": 0o600, "server.key": 0o600, "ca.pem": 0o644, "server.pem": 0o644} {
		stat, err := os.Stat(filepath.Join(dir, file))
		require.NoError(t, err)
		require.Equal(t, mode, stat.Mode().Perm(), file)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 4)
}

// read is what is in a file in PEM.
func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	require.NotNil(t, block)
	return block.Bytes
}

func TestWhoStealsTheAuthoritysKeyIsNobodyElse(t *testing.T) {
	t.Parallel()
	dir := made(t, name)
	ca, err := x509.ParseCertificate(read(t, filepath.Join(dir, "ca.pem")))
	require.NoError(t, err)
	key, err := x509.ParsePKCS8PrivateKey(read(t, filepath.Join(dir, "ca.key")))
	require.NoError(t, err)
	theirs, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for host, good := range map[string]bool{name: true, "bank.example": false} {
		raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(7), DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		}, ca, theirs.Public(), key)
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "forged.pem")
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600))
		said, err := openssl("verify", "-verify_hostname", host, "-CAfile", filepath.Join(dir, "ca.pem"), file)
		require.Equal(t, good, err == nil, "%s: %s", host, said)
		if !good {
			require.Contains(t, said, "permitted subtree violation")
		}
	}
}

func TestWhatIsThereStaysUntilItsLastMonth(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ca")
	now := time.Now()
	day := 24 * time.Hour
	first, err := authority.Make(dir, []string{name}, now)
	require.NoError(t, err)
	require.True(t, first.Authority && first.Server)
	ca, server := read(t, filepath.Join(dir, "ca.pem")), read(t, filepath.Join(dir, "server.pem"))

	again, err := authority.Make(dir, []string{"API.equinix.com."}, now.Add(334*day))
	require.NoError(t, err)
	require.False(t, again.Authority || again.Server)
	require.Equal(t, server, read(t, filepath.Join(dir, "server.pem")))
	require.Equal(t, first.Ends.Truncate(time.Second), again.Ends)

	late, err := authority.Make(dir, []string{name}, now.Add(336*day))
	require.NoError(t, err)
	require.True(t, late.Server)
	require.False(t, late.Authority)
	require.NotEqual(t, server, read(t, filepath.Join(dir, "server.pem")))
	require.Equal(t, ca, read(t, filepath.Join(dir, "ca.pem")), "whoever trusts it need do nothing")
	require.Greater(t, late.Ends, first.Ends)

	_, err = authority.Make(dir, []string{name}, now.Add(9*365*day+10*day))
	require.ErrorContains(t, err, "make another in a new --dir")
}

func TestAnAuthorityIsNeverReplacedByTheWay(t *testing.T) {
	t.Parallel()
	dir := made(t, name)
	ca := read(t, filepath.Join(dir, "ca.pem"))
	_, err := authority.Make(dir, []string{name, "api.packet.net"}, time.Now())
	require.ErrorContains(t, err, "is for api.equinix.com and not for api.equinix.com api.packet.net")

	require.NoError(t, os.Remove(filepath.Join(dir, "ca.key"))) // kept elsewhere, as one should
	_, err = authority.Make(dir, []string{name}, time.Now())
	require.ErrorContains(t, err, "bring its key back")
	require.Equal(t, ca, read(t, filepath.Join(dir, "ca.pem")))
}

func TestHalfAServersCertificateIsMadeAnew(t *testing.T) {
	t.Parallel()
	dir := made(t, name)
	other := made(t, name)
	key, err := os.ReadFile(filepath.Join(other, "server.key"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "server.key"), key, 0o600))
	got, err := authority.Make(dir, []string{name}, time.Now())
	require.NoError(t, err)
	require.True(t, got.Server)
}

func TestOnlyNamesOfHostsAreSignedFor(t *testing.T) {
	t.Parallel()
	for _, bad := range [][]string{{}, {""}, {"com"}, {"*.equinix.com"}, {"https://api.equinix.com"}, {"127.0.0.1"}, {"api.equinix.com:443"}} {
		_, err := authority.Make(t.TempDir(), bad, time.Now())
		require.ErrorContains(t, err, "--name", bad)
	}
}
