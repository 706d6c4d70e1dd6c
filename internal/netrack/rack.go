package netrack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// startLimit is for a rack on a busy machine; an idle one needs about a second.
const startLimit = time.Minute

// Options say what rack is wanted.
type Options struct {
	Name  string // the switch's name; "tor-r1" if empty
	Hosts int    // machines, each on its port swp1, swp2, …
	FRR   string // the operators' own part of the switch's frr.conf
}

// Rack is a switch with machines, boot services and an outside.
type Rack struct {
	Boot    *Node // the site's boot services: BootAddress
	Outside *Node // whoever is out there: OutsideAddress and OutsideAddress6
	Tor     *Node // the switch, to look at it and to meddle by hand

	hosts []*Host
	nodes []*Node
	ssh   *front
	dir   string
}

// New gives a test a rack of its own, which ends with the test.
func New(t testing.TB, o Options) *Rack {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	r, err := Start(ctx, o)
	if err != nil {
		t.Fatalf("netrack: %v", err)
	}
	t.Cleanup(r.Stop)
	return r
}

// Start builds a rack. Stop it, or end the process.
func Start(ctx context.Context, o Options) (*Rack, error) {
	if err := programs(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "netrack")
	if err != nil {
		return nil, err
	}
	r := &Rack{dir: dir}
	if err := r.build(ctx, o); err != nil {
		r.Stop()
		return nil, err
	}
	return r, nil
}

// build sets up the switch last: it has its interfaces when its daemons start.
func (r *Rack) build(ctx context.Context, o Options) error {
	if o.Name == "" {
		o.Name = "tor-r1"
	}
	if err := os.Chmod(r.dir, 0o755); err != nil { // daemons read their files as users of their own
		return err
	}
	for _, n := range []struct {
		at   **Node
		name string
	}{{&r.Tor, o.Name}, {&r.Boot, "boot"}, {&r.Outside, "outside"}} {
		var err error
		if *n.at, err = r.node(n.name); err != nil {
			return err
		}
	}
	for i := range o.Hosts {
		if err := r.addHost(ctx, i); err != nil {
			return err
		}
	}
	return errors.Join(r.uplinks(ctx), r.startSwitch(ctx, o))
}

func (r *Rack) node(name string) (*Node, error) {
	n, err := startNode(name, r.dir)
	if err == nil {
		r.nodes = append(r.nodes, n)
	}
	return n, err
}

// Stop ends everything that runs in the rack, and the rack.
func (r *Rack) Stop() {
	if r.ssh != nil {
		r.ssh.close()
	}
	for _, n := range r.nodes {
		n.stop()
	}
	_ = os.RemoveAll(r.dir)
}

// Host is the machine on port swp<i+1>.
func (r *Rack) Host(i int) *Host { return r.hosts[i] }

// programs says what is missing, by the names of Debian's packages.
func programs() error {
	var missing []string
	for _, need := range []struct{ program, debian string }{
		{"/usr/lib/frr/bgpd", "frr"}, {"/usr/sbin/sshd", "openssh-server"}, {"/usr/sbin/bird", "bird2"},
		{"/usr/sbin/nft", "nftables"}, {"ip", "iproute2"}, {"ping", "iputils-ping"}, {"nsenter", "util-linux"},
	} {
		if _, err := exec.LookPath(need.program); err != nil {
			missing = append(missing, need.debian)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("a rack of namespaces needs programs that are not here; apt-get install %s", strings.Join(missing, " "))
	}
	return nil
}
