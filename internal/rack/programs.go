package rack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/netrack"
)

// Admin ports of the rack's own programs; the rig's are below.
const (
	workerPort = 9520 // in the management network
	bootAdmin  = "127.0.0.1:9469"
)

// startPrograms starts the site's worker, which has the management network, and
// its boot services, which have the machines'. Postgres and Temporal are
// forwarded to those, each to the address that it has here.
func (r *Rack) startPrograms(ctx context.Context) error {
	postgres, err := pgx.ParseConfig(r.Stack.DSN)
	if err != nil {
		return fmt.Errorf("read where Postgres is: %w", err)
	}
	for _, at := range []string{fmt.Sprintf("%s:%d", postgres.Host, postgres.Port), r.Stack.Frontend} {
		f, err := forwardInto(r.Net.Boot, at, at)
		if err != nil {
			return fmt.Errorf("forward %s to the boot services: %w", at, err)
		}
		r.forwards = append(r.forwards, f)
	}
	admin := fmt.Sprintf("127.%d.0.1:%d", r.Rig.Net, workerPort)
	if _, err := r.Stack.Add(ctx, "worker-rack", func() *exec.Cmd {
		return r.Command(context.Background(), "worker", "--site", string(Site), "--admin-listen", admin)
	}, healthy(http.DefaultClient, admin)); err != nil {
		return err
	}
	r.Boot, err = r.Stack.Add(ctx, "boot-rack", r.bootCommand, healthy(within(r.Net.Boot), bootAdmin))
	return err
}

// bootCommand is boot with the flags that an operator would give it, in the
// namespace of the boot services. Without colours and logos the agent's kernel
// speaks on the serial line, as it would for the BMC of a server.
func (r *Rack) bootCommand() *exec.Cmd {
	c := r.Net.Boot.Command(context.Background(), filepath.Join(r.Stack.Bin(), "boot"),
		"--site", string(Site), "--address", netrack.BootAddress.String(), "--url", "http://"+netrack.BootAddress.String(),
		"--admin-listen", bootAdmin, "--image-folder", r.images.Folder,
		"--agent-folder", filepath.Join(r.Stack.Bin(), "agent-files", "amd64"),
		"--agent-arguments", "console=ttyS0,115200", "--erasure-key", filepath.Join(r.Dir, "erasure.pem"))
	c.Env = append(os.Environ(), r.Environment()...)
	return c
}

// within is an HTTP client that stands in a node.
func within(n *netrack.Node) *http.Client {
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: dialer(n)}}
}

// dialer connects from a node to an address, never to a name: a resolver would
// dial elsewhere.
func dialer(n *netrack.Node) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		err = n.Within(func() error {
			conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
			return err
		})
		return conn, err
	}
}

// healthy asks a program whether it is.
func healthy(c *http.Client, admin string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/healthz", nil)
		if err != nil {
			return err
		}
		answer, err := c.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s says %s", admin, answer.Status)
		}
		return nil
	}
}
