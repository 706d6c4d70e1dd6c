package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"millwright/internal/agent"
	"millwright/internal/burnin"
	"millwright/internal/metal"
)

// proof is what a burn-in needs of this machine.
type proof struct {
	disks *drives
	tools func(context.Context) error // nil: stress-ng and fio are installed
	cfg   agent.Config
}

// burnIn lets go of disks that arrays hold, and forgets what it knows to be
// empty: afterwards nothing is.
func (p *proof) burnIn(ctx context.Context, want metal.BurnIn, tell agent.Tell) ([]metal.BurnInResult, error) {
	scratch, err := os.MkdirTemp("", "burn-in-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the tools of the burn-in: %w", err)
	}
	defer os.RemoveAll(scratch)
	results := burnin.Run(ctx, burnin.Config{
		Root: "/", Scratch: scratch, Log: p.cfg.Log, Tools: p.tools, Peer: newPeer(p.cfg),
		Disks: func() ([]burnin.Disk, error) { return p.given(ctx) },
	}, want, burnin.Tell(tell))
	return results, ctx.Err()
}

func (p *proof) given(ctx context.Context) (given []burnin.Disk, err error) {
	disks, err := p.disks.disks()
	if err == nil && p.disks.release != nil {
		err = p.disks.release(ctx)
	}
	if err != nil {
		return nil, err
	}
	p.disks.zeroed = nil
	for _, d := range disks {
		given = append(given, burnin.Disk{Path: d.Path, Serial: d.Serial, Size: d.Size})
	}
	return given, nil
}

// fetching is how often the tools are asked for, and toolsPause how long after
// one another: a boot service that restarts is back by then.
const (
	fetching   = 5
	toolsPause = 5 * time.Second
)

// fetch gives the tools that lie beside the agent's boot files to add, which
// unpacks them.
func fetch(url string, add func(func() (io.ReadCloser, error)) error) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		for range fetching {
			if err = add(func() (io.ReadCloser, error) { return get(ctx, url) }); err == nil {
				return nil
			}
			select {
			case <-time.After(toolsPause):
			case <-ctx.Done():
				return errors.Join(err, ctx.Err())
			}
		}
		return fmt.Errorf("load the tools that test machines under load: %w", err)
	}
}

func get(ctx context.Context, url string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := client().Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("%s: %s: see whether the folder of boot's agent files has it", url, res.Status)
	}
	return res.Body, nil
}
