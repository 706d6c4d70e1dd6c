package rack

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"millwright/internal/metal"
	"millwright/internal/netrack"
)

// tenant is somebody outside, with a key.
type tenant struct {
	outside *netrack.Node
	signer  ssh.Signer
}

func newTenant(outside *netrack.Node) (*tenant, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.NewSignerFromKey(private)
	return &tenant{outside, signer}, err
}

// key is the line that an order carries.
func (t *tenant) key() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(t.signer.PublicKey()))) + " tenant@outside"
}

// Limits of one try, and between two of them.
const (
	sshLimit = 20 * time.Second // an emulated machine's handshake takes up to 3 s
	sshAgain = 500 * time.Millisecond
)

// login tries until root's shell takes the key, across the routed address.
func (t *tenant) login(ctx context.Context, to netip.Addr) (*ssh.Client, error) {
	for {
		client, err := t.try(ctx, to)
		if err == nil {
			return client, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("log in at %s: %w (the last try: %w)", to, ctx.Err(), err)
		case <-time.After(sshAgain):
		}
	}
}

func (t *tenant) try(ctx context.Context, to netip.Addr) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, sshLimit)
	defer cancel()
	at := netip.AddrPortFrom(to, 22).String()
	conn, err := dialer(t.outside)(ctx, "tcp", at)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	// A new machine's host key is known to nobody yet; the port's filter vouches
	// for the address.
	ours, channels, requests, err := ssh.NewClientConn(conn, at, &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(t.signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return ssh.NewClient(ours, channels, requests), nil
}

// run runs a command and gives what it wrote.
func run(client *ssh.Client, command string) (string, error) {
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer func() { _ = session.Close() }()
	words, err := session.CombinedOutput(command)
	if err != nil {
		return "", fmt.Errorf("on the machine: %s: %w: %s", command, err, words)
	}
	return strings.TrimSpace(string(words)), nil
}

// question is asked of an installed system, and what it should answer.
type question struct{ command, wants string }

// questions are what a tenant would look at first: who the machine is, where it
// is, and that it has been told all of that once.
func questions(hostname, mark string, p metal.PortIntent) []question {
	all := []question{
		{"hostname", hostname}, {"cat " + Mark, mark},
		{"cloud-init status --wait", "status: done"},
		{"systemctl is-active ssh", "active"},
		{"findmnt -n -o FSTYPE /", "ext4"},
	}
	for _, l := range p.Links {
		all = append(all, question{"ip -br addr", fmt.Sprintf("%s/%d", l.Machine(), l.Prefix.Bits())})
		if l.Role == metal.Public {
			family := "-6"
			if l.Machine().Is4() {
				family = "-4"
			}
			all = append(all, question{"ip " + family + " route show default", "via " + l.Switch().String()})
		}
	}
	return all
}

// examine asks all questions.
func examine(client *ssh.Client, all []question) error {
	for _, q := range all {
		said, err := run(client, q.command)
		if err != nil {
			return err
		}
		if !strings.Contains(said, q.wants) {
			return fmt.Errorf("on the machine: %s says %q, and %q is not in it", q.command, said, q.wants)
		}
	}
	return nil
}
