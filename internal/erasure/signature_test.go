package erasure

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func proven() Certificate {
	return Certificate{
		Machine: "m1", Device: "d-7", Boot: 12, Path: "/dev/nvme0n1", Serial: "S4EV<&>1", Model: "SAMSUNG MZQLB960",
		Transport: "nvme", Size: 960197124096, Mode: Full, Method: "NVMe sanitize, crypto erase", Grade: Purge,
		Verified: Verified{Extent: Sample, Bytes: 3405774848, Pieces: 3248, Known: 4096, Seed: "ABC"},
		Result:   Erased, Tool: "millwright drive test",
		Started: time.Date(2026, 11, 22, 20, 0, 0, 5, time.FixedZone("x", 3600)),
		Ended:   time.Date(2026, 11, 22, 20, 1, 0, 0, time.FixedZone("x", 3600)),
	}
}

func newKey(t *testing.T) (Key, []byte) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	key, err := ParseKey(text)
	require.NoError(t, err)
	return key, text
}

func TestASignedCertificateSurvivesJSONAndIsVerified(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t)
	signed, err := key.Sign(proven())
	require.NoError(t, err)
	text, err := json.Marshal(signed)
	require.NoError(t, err)
	var again Signed
	require.NoError(t, json.Unmarshal(text, &again))
	public, err := ParsePublicKey(key.Public().PEM())
	require.NoError(t, err)
	c, err := public.Verify(again)
	require.NoError(t, err)
	require.Equal(t, "S4EV<&>1", c.Serial)
	require.Equal(t, "2026-11-22T19:00:00Z", c.Started.Format(time.RFC3339Nano))
}

func TestTheCanonicalBytesAreThese(t *testing.T) {
	t.Parallel()
	text, err := proven().Canonical()
	require.NoError(t, err)
	require.Equal(t, `{"machine":"m1","device":"d-7","boot":12,"path":"/dev/nvme0n1","serial":"S4EV<&>1",`+
		`"model":"SAMSUNG MZQLB960","transport":"nvme","size":960197124096,"mode":"full",`+
		`"method":"NVMe sanitize, crypto erase","grade":"purge","verified":{"extent":"sample","bytes":3405774848,`+
		`"pieces":3248,"zero":false,"known":4096,"seed":"ABC"},"result":"erased","started":"2026-11-22T19:00:00Z",`+
		`"ended":"2026-11-22T19:01:00Z","tool":"millwright drive test"}`, string(text))
}

func TestWhateverIsChangedIsNoticed(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t)
	other, _ := newKey(t)
	signed, err := key.Sign(proven())
	require.NoError(t, err)
	for name, change := range map[string]func(*Signed){
		"payload":      func(s *Signed) { s.Payload = strings.Replace(s.Payload, "S4EV", "S4EW", 1) },
		"signature":    func(s *Signed) { s.Signature = append([]byte{s.Signature[0] ^ 1}, s.Signature[1:]...) },
		"no signature": func(s *Signed) { s.Signature = nil },
		"key":          func(s *Signed) { s.Key = other.Public().ID() },
	} {
		bad := signed
		change(&bad)
		_, err := key.Public().Verify(bad)
		require.ErrorIs(t, err, ErrNotGenuine, name)
	}
	_, err = other.Public().Verify(signed)
	require.ErrorIs(t, err, ErrNotGenuine)
}

// The right key may have signed something that is no certificate of ours.
func TestASignedTextThatIsNotCanonicalIsRefused(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t)
	canonical, err := proven().Canonical()
	require.NoError(t, err)
	for _, payload := range []string{
		string(canonical) + " ", "{}", "", string(canonical) + "{}",
		strings.Replace(string(canonical), `"boot":12`, `"boot":12,"boot":13`, 1),
		strings.Replace(string(canonical), `"boot":12`, `"boot":12,"hand":1`, 1),
		strings.Replace(string(canonical), `"erased"`, `"perhaps"`, 1),
	} {
		_, err := key.Public().Verify(Signed{payload, key.Public().ID(), key.sign([]byte(payload))})
		require.Error(t, err, payload)
	}
}

func TestADoubtfulCertificateIsNotSigned(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t)
	for words, change := range map[string]func(*Certificate){
		"names no machine": func(c *Certificate) { c.Machine = "" },
		"names no disk":    func(c *Certificate) { c.Serial = "" },
		"result is":        func(c *Certificate) { c.Result = "" },
		`mode "fast"`:      func(c *Certificate) { c.Mode = "fast" },
		"bytes read":       func(c *Certificate) { c.Verified.Bytes = 0 },
		"is not verified":  func(c *Certificate) { c.Verified.Extent = Places },
		"before its start": func(c *Certificate) { c.Ended = c.Started.Add(-time.Second) },
		"65 notes":         func(c *Certificate) { c.Notes = make([]string, 65) },
		"a note of":        func(c *Certificate) { c.Notes = []string{strings.Repeat("x", 501)} },
	} {
		c := proven()
		change(&c)
		_, err := key.Sign(c)
		require.ErrorContains(t, err, words)
	}
	_, err := Key{}.Sign(proven())
	require.ErrorContains(t, err, "no key loaded")
	_, err = PublicKey{}.Verify(Signed{})
	require.ErrorContains(t, err, "no public key loaded")
}

func TestADiskOfAVirtualMachineNeedsNoSerial(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t)
	c := proven()
	c.Serial, c.Transport, c.Path = "", "virtio", "/dev/vda"
	_, err := key.Sign(c)
	require.NoError(t, err)
}

// Whatever prints a key, on purpose or not, prints its ID.
func TestNoVerbAndNoErrorShowsAKey(t *testing.T) {
	t.Parallel()
	key, text := newKey(t)
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	private := parsed.(ed25519.PrivateKey)
	body := base64.StdEncoding.EncodeToString(private.Seed())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		require.Equal(t, "key "+key.Public().ID(), fmt.Sprintf(verb, key))
		printed := fmt.Sprintf(verb, struct{ Inner Key }{key})
		require.NotContains(t, printed, body)
		require.NotContains(t, printed, fmt.Sprint([]byte(private))[1:20])
		printed = fmt.Sprintf(verb, struct{ inner Key }{key})
		require.NotContains(t, printed, fmt.Sprint([]byte(private))[1:20])
		require.NotContains(t, printed, fmt.Sprintf("%x", private[:8]))
	}
	//lint:ignore SA9005 that a key shows nothing is what is tried here
	printed, err := json.Marshal(key)
	require.NoError(t, err)
	require.JSONEq(t, "{}", string(printed))

	path := filepath.Join(t.TempDir(), "key.pem")
	middle := len(text) / 2
	broken := append(append([]byte(nil), text[:middle]...), text[middle+8:]...)
	require.NoError(t, os.WriteFile(path, broken, 0o600))
	_, err = LoadKey(path)
	require.Error(t, err)
	for _, line := range strings.Split(string(text), "\n") {
		if len(line) > 8 && !strings.HasPrefix(line, "-") {
			require.NotContains(t, err.Error(), line[:8])
		}
	}
}

func TestAKeyOfAnotherKindIsRefused(t *testing.T) {
	t.Parallel()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(other)
	require.NoError(t, err)
	_, err = ParseKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	require.ErrorContains(t, err, "not of Ed25519")
	_, err = ParseKey([]byte("nothing"))
	require.ErrorContains(t, err, "no PEM block")
	_, err = LoadKey(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestPeopleCanReadACertificate(t *testing.T) {
	t.Parallel()
	c := proven()
	c.Notes = []string{"NVMe sanitize, block erase: refused"}
	text := c.String()
	for _, words := range []string{"serial S4EV<&>1", "960197124096 bytes", "(NIST SP 800-88: purge)", "none of it what was there before",
		"2026-11-22T19:00:00Z to", "Note       NVMe sanitize"} {
		require.Contains(t, text, words)
	}
}

// openssl makes the key and checks the signature: the detached check of doc.go.
func TestOpensslMakesTheKeyAndChecksTheSignature(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	openssl := func(args ...string) (string, error) {
		out, err := exec.Command("openssl", args...).CombinedOutput()
		return string(out), err
	}
	out, err := openssl("genpkey", "-algorithm", "ed25519", "-out", path("erasure.pem"))
	require.NoError(t, err, out)
	key, err := LoadKey(path("erasure.pem"))
	require.NoError(t, err)
	signed, err := key.Sign(proven())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path("key.pem"), key.Public().PEM(), 0o600))
	require.NoError(t, os.WriteFile(path("certificate.sig"), signed.Signature, 0o600))
	check := func(payload string) (string, error) {
		require.NoError(t, os.WriteFile(path("certificate.json"), []byte(payload), 0o600))
		return openssl("pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", path("key.pem"),
			"-in", path("certificate.json"), "-sigfile", path("certificate.sig"))
	}
	out, err = check(signed.Payload)
	require.NoError(t, err, out)
	require.Contains(t, out, "Verified Successfully")
	out, err = check(signed.Payload + " ")
	require.Error(t, err, out)

	out, err = openssl("pkey", "-pubin", "-in", path("key.pem"), "-outform", "DER", "-out", path("key.der"))
	require.NoError(t, err, out)
	out, err = openssl("dgst", "-sha256", "-r", path("key.der"))
	require.NoError(t, err, out)
	require.True(t, strings.HasPrefix(out, key.Public().ID()), out)
}

func FuzzOnlyCanonicalTextIsACertificate(f *testing.F) {
	canonical, err := proven().Canonical()
	require.NoError(f, err)
	f.Add(canonical)
	f.Add([]byte(`{"machine":"m"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := parse(payload)
		if err != nil {
			return
		}
		again, err := c.Canonical()
		require.NoError(t, err)
		require.Equal(t, string(payload), string(again))
	})
}
