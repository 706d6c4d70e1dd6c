package netrack

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"millwright/internal/metal"
)

// Names of the credentials that the rack's switch takes. Both are root's.
const (
	PasswordCredential = "switch-password"
	KeyCredential      = "switch-key" // its password is an OpenSSH private key
)

// startSwitch starts FRR as its package does, and lets SSH in.
func (r *Rack) startSwitch(ctx context.Context, o Options) error {
	conf, err := r.Tor.file("frr.conf", fmt.Sprintf("frr defaults datacenter\nhostname %s\n%s\n", o.Name, o.FRR))
	if err != nil {
		return err
	}
	if _, err := r.Tor.Run(ctx, "sh", "-ec", frr, "sh", conf); err != nil {
		return err
	}
	r.ssh, err = r.Tor.openSSH(ctx)
	return err
}

// frr starts the daemons in the order in which they need each other. Each has
// its socket when it returns.
const frr = `mkdir /run/frr /run/sshd /var/lib/frr
cp "$1" /etc/frr/frr.conf
echo service integrated-vtysh-config >/etc/frr/vtysh.conf
chown -R frr:frr /run/frr /var/lib/frr /var/log /etc/frr
for d in zebra staticd bgpd; do /usr/lib/frr/$d -d -A 127.0.0.1; done
vtysh -b`

// Switch is the rack's switch as its driver needs it.
func (r *Rack) Switch() metal.Switch {
	return metal.Switch{
		ID: metal.SwitchID(r.Tor.Name), Site: "lab1", Driver: "frr",
		Address: r.ssh.address(), HostKey: r.ssh.fingerprint, Credential: PasswordCredential,
	}
}

// Credentials knows the switch's login by password and by key.
func (r *Rack) Credentials(_ context.Context, name string) (metal.Credential, error) {
	switch name {
	case PasswordCredential:
		return metal.Credential{User: "root", Password: r.ssh.password}, nil
	case KeyCredential:
		return metal.Credential{User: "root", Password: r.ssh.key}, nil
	}
	return metal.Credential{}, fmt.Errorf("credential %s: %w", name, metal.ErrNoSecret)
}

// openSSH gives the node a root password, a key and a host key of its own, and
// listens on the machine's loopback for who wants in.
func (n *Node) openSSH(ctx context.Context) (*front, error) {
	f := &front{node: n, password: rand.Text()}
	host, err := n.newKey("host_key")
	if err != nil {
		return nil, err
	}
	login, err := n.newKey("login_key")
	if err != nil {
		return nil, err
	}
	f.fingerprint, f.key = ssh.FingerprintSHA256(host.public), login.pem
	if _, err := n.file("authorized_keys", string(ssh.MarshalAuthorizedKey(login.public))); err != nil {
		return nil, err
	}
	if err := n.setPassword(ctx, f.password); err != nil {
		return nil, err
	}
	if f.config, err = n.file("sshd_config", fmt.Sprintf(sshd, n.dir)); err != nil {
		return nil, err
	}
	return f, f.listen()
}

const sshd = `HostKey %[1]s/host_key
AuthorizedKeysFile %[1]s/authorized_keys
StrictModes no
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
UsePAM no
LogLevel ERROR
`

type keyPair struct {
	public ssh.PublicKey
	pem    string
}

// newKey makes a key and leaves its private half among the node's files.
func (n *Node) newKey(name string) (keyPair, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return keyPair{}, err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return keyPair{}, err
	}
	known, err := ssh.NewPublicKey(public)
	if err != nil {
		return keyPair{}, err
	}
	k := keyPair{public: known, pem: string(pem.EncodeToMemory(block))}
	return k, os.WriteFile(filepath.Join(n.dir, name), []byte(k.pem), 0o600)
}

// setPassword gives the node's root a password that nobody else's root has:
// the file lies over /etc/shadow in its mount namespace alone. The C library
// hashes it, by way of perl, which every Debian has.
func (n *Node) setPassword(ctx context.Context, password string) error {
	hash := exec.CommandContext(ctx, "perl", "-e", `$p = <STDIN>; print crypt($p, '$6$millwright$')`)
	hash.Stdin = strings.NewReader(password)
	hashed, err := hash.Output()
	if err != nil {
		return fmt.Errorf("hash a password with perl: %w", err)
	}
	shadow, err := n.file("shadow", fmt.Sprintf("root:%s:19000:0:99999:7:::\nsshd:!:19000::::::\n", hashed))
	if err != nil {
		return err
	}
	_, err = n.Run(ctx, "mount", "--bind", shadow, "/etc/shadow")
	return err
}
