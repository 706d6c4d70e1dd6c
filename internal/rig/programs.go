package rig

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"

	"millwright/internal/stack"
)

// Ports of a rig, all in its own network, so that rigs live beside each other.
const (
	dhcpPort       = 6767
	tftpPort       = 6969
	httpPort       = 8067
	labAPIPort     = 8099
	starterPort    = 8100
	bootAdmin      = 9469
	starterAdmin   = 9468
	workerAdmin    = 9470 // of the first; the others follow
	servicesHost   = 67   // as generated sites have it
	managementHost = 1
)

// at is 127.<net>.0.<host>:<port>.
func (r *Rig) at(host, port int) string { return fmt.Sprintf("127.%d.0.%d:%d", r.Net, host, port) }

// Environment is what all programs are told; none of it is on a command line,
// where every user of the machine could read it.
func (r *Rig) Environment() []string {
	return []string{
		"MILLWRIGHT_POSTGRES=" + r.Stack.DSN,
		"MILLWRIGHT_TEMPORAL_ADDRESS=" + r.Stack.Frontend,
		"MILLWRIGHT_CREDENTIALS=" + filepath.Join(r.Dir, "credentials"),
	}
}

func (r *Rig) startPrograms(ctx context.Context) (err error) {
	if r.Boot, err = r.program(ctx, "boot", "boot", r.at(managementHost, bootAdmin),
		"--site", string(Site), "--address", fmt.Sprintf("127.%d.0.%d", r.Net, servicesHost), "--url", "http://"+r.at(servicesHost, httpPort),
		"--dhcp-listen", r.at(servicesHost, dhcpPort), "--tftp-listen", r.at(servicesHost, tftpPort), "--http-listen", r.at(servicesHost, httpPort),
		"--admin-listen", r.at(managementHost, bootAdmin), "--image-folder", filepath.Join(r.Dir, "images"),
		"--agent-folder", filepath.Join(r.Dir, "agent"), "--ipxe-folder", filepath.Join(r.Dir, "agent"),
		"--erasure-key", filepath.Join(r.Dir, "erasure.pem")); err != nil {
		return err
	}
	for i := range r.cfg.Workers {
		if _, err := r.AddWorker(ctx, r.cfg.Build, i); err != nil {
			return err
		}
	}
	r.Starter, err = r.program(ctx, "starter", "starter", r.at(managementHost, starterAdmin),
		"serve", "--listen", r.API(), "--admin-listen", r.at(managementHost, starterAdmin), "--token-file", filepath.Join(r.Dir, "token"))
	return err
}

// API is where starter serves the billing system.
func (r *Rig) API() string { return r.at(managementHost, starterPort) }

// BootAdmin and StarterAdmin are where boot and starter say how they are and
// what they counted.
func (r *Rig) BootAdmin() string    { return r.at(managementHost, bootAdmin) }
func (r *Rig) StarterAdmin() string { return r.at(managementHost, starterAdmin) }

// DHCPPort is where boot answers relays.
func (r *Rig) DHCPPort() uint16 { return dhcpPort }

// WorkerAdmin is where a worker says how it is and what it counted.
func (r *Rig) WorkerAdmin(n int) string { return r.at(managementHost, workerAdmin+n) }

// AddWorker starts one more worker, for control and the site; n tells it from
// the others.
func (r *Rig) AddWorker(ctx context.Context, build string, n int) (*stack.Part, error) {
	admin := r.WorkerAdmin(n)
	args := []string{"--control", "--site", string(Site), "--admin-listen", admin}
	if build != "" {
		args = append(args, "--build-id", build)
	}
	p, err := r.program(ctx, fmt.Sprintf("worker-%d", n+1), "worker", admin, args...)
	if err == nil {
		r.Workers = append(r.Workers, p)
	}
	return p, err
}

// Use says which folder a part's program is from when it starts the next time:
// "boot", "starter", "worker-1", or a worker that is still to be added. Not while
// a part starts.
func (r *Rig) Use(bin, part string) { r.bins[part] = bin }

// detours are where a part finds the stack if something stands between them.
func (r *Rig) detours(part string) ([]string, error) {
	if r.cfg.Via == nil {
		return nil, nil
	}
	dsn, err := url.Parse(r.Stack.DSN)
	if err != nil {
		return nil, err
	}
	if dsn.Host, err = r.cfg.Via(part, "postgres", dsn.Host); err != nil {
		return nil, err
	}
	frontend, err := r.cfg.Via(part, "temporal", r.Stack.Frontend)
	return []string{"MILLWRIGHT_POSTGRES=" + dsn.String(), "MILLWRIGHT_TEMPORAL_ADDRESS=" + frontend}, err
}

// program starts one of our programs, which is ready once it says that it is
// healthy.
func (r *Rig) program(ctx context.Context, part, name, admin string, args ...string) (*stack.Part, error) {
	detours, err := r.detours(part)
	if err != nil {
		return nil, err
	}
	command := func() *exec.Cmd {
		cmd := r.CommandOf(context.Background(), cmp.Or(r.bins[part], r.bin), name, args...)
		cmd.Env = append(cmd.Env, detours...) // the last word on a variable counts
		return cmd
	}
	return r.Stack.Add(ctx, part, command, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/healthz", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s says %s", admin, answer.Status)
		}
		return nil
	})
}
