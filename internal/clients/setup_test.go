package clients_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/internal/sitefile"
)

// What the lab has.
const (
	plan   = "c1.small"
	system = "debian_12"
	other  = "ubuntu_24_04"
	metro  = "lab"
)

// soon is how long anything may take on machines that boot at once, where two
// cores have everything else to do, too.
const soon = 3 * time.Minute

// running is the rig of all tests.
var running *rig.Rig

func TestMain(m *testing.M) {
	var err error
	running, err = rig.Start(context.Background(), rig.Config{
		NoFsync: true, Limits: metal.Limits{Boot: time.Minute, Install: time.Minute, PhoneHome: time.Minute},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "start a rig:", err)
		os.Exit(1)
	}
	code := 1
	if err := speakBGP(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "let the site speak BGP:", err)
	} else {
		code = m.Run()
	}
	if err := running.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the rig:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// speakBGP imports the rig's site again, with a bgp section: labs have none.
func speakBGP(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(running.Dir, "site.yaml"))
	if err != nil {
		return err
	}
	site, err := sitefile.Parse(text, "site.yaml", nil)
	if err != nil {
		return err
	}
	site.BGP = sitefile.BGP{AS: 65530, PeerAS: 65000, Addresses: []netip.Addr{netip.MustParseAddr("169.254.255.1")}}
	file := filepath.Join(running.Dir, "bgp.yaml")
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := errors.Join(sitefile.Write(f, site), f.Close()); err != nil {
		return err
	}
	if out, err := running.Run(ctx, "starter", "import", file); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// tenant is somebody with an organization and a key.
type tenant struct {
	t   *testing.T
	org string
	key string
}

// newTenant is made as an operator does it.
func newTenant(t *testing.T, name string) *tenant {
	t.Helper()
	email := name + "@example.net"
	starter(t, "user", "add", email, "--name", name)
	org := starter(t, "organization", "add", name, "--owner", email)
	key := starter(t, "key", "add", "--user", email)
	return &tenant{t, org["organization"].(string), key["token"].(string)}
}

// starter runs an operator's command.
func starter(t *testing.T, args ...string) (answer map[string]any) {
	t.Helper()
	out, err := running.Command(t.Context(), "starter", append(args, "-o", "json")...).Output()
	require.NoError(t, err, "%v", args)
	require.NoError(t, json.Unmarshal(out, &answer))
	return answer
}

// cli runs a customer's command, which knows the API and the key alone.
func (n *tenant) cli(args ...string) (out, errs string, err error) {
	n.t.Helper()
	cmd := running.Command(n.t.Context(), "starter", args...)
	cmd.Env = []string{"MILLWRIGHT_API=http://" + running.API(), "MILLWRIGHT_KEY=" + n.key, "HOME=" + n.t.TempDir(), "PATH=" + os.Getenv("PATH")}
	var o, e strings.Builder
	cmd.Stdout, cmd.Stderr = &o, &e
	err = cmd.Run()
	return o.String(), e.String(), err
}

// publicKey is a new one.
func publicKey(t *testing.T) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	key, err := ssh.NewPublicKey(public)
	require.NoError(t, err)
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// eventually polls until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, soon, 200*time.Millisecond, what)
}
