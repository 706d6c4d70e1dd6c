package stack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Part is one program of a stack: Postgres, Temporal, or its web UI. It can
// be killed, frozen and started again, on the same ports and data. Its methods
// may be called at the same time, from anywhere; a Part that a stack does not
// have is nil, and all but Start do nothing on it.
type Part struct {
	name    string
	command func() *exec.Cmd            // a fresh one for each start
	ready   func(context.Context) error // asked until it has no objection
	log     string                      // the file that takes all it prints
	death   syscall.Signal              // what it gets when its starter dies
	lost    chan<- error                // where an unexpected end is told

	starting sync.Mutex
	now      atomic.Pointer[child] // the latest; nil before the first start
}

// startLimit is how long a part may take to answer; the slowest is Temporal,
// which took 12 s beside two busy compilers.
const startLimit = 90 * time.Second

// Start starts the part if it does not run, and returns when it answers.
func (p *Part) Start(ctx context.Context) error {
	p.starting.Lock()
	defer p.starting.Unlock()
	if p.running() != nil {
		return nil
	}
	c, err := p.spawn()
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.now.Store(c)
	if err := p.await(ctx, c); err != nil {
		c.kill()
		return err
	}
	go p.mourn(c)
	return nil
}

func (p *Part) spawn() (*child, error) {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own
	before, err := log.Seek(0, 2)
	if err != nil {
		return nil, err
	}
	cmd := p.command()
	cmd.Stdout, cmd.Stderr = log, log
	c, err := spawn(cmd, p.death)
	c.log = before
	return c, err
}

// await asks the part whether it is ready until it is, or has died.
func (p *Part) await(ctx context.Context, c *child) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		unready := p.ready(ctx)
		if c.ended() {
			return p.obituary(c)
		}
		if unready == nil {
			return nil
		}
		select {
		case <-c.done:
			return p.obituary(c)
		case <-ctx.Done():
			return fmt.Errorf("start %s: no answer: %w (the last: %w)\n%s", p.name, ctx.Err(), unready, p.tail(c))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// mourn tells the stack's owner of an end that nobody asked for.
func (p *Part) mourn(c *child) {
	<-c.done
	if c.asked.Load() {
		return
	}
	select {
	case p.lost <- p.obituary(c):
	default: // one is told already, and the first is what matters
	}
}

func (p *Part) running() *child {
	if p == nil {
		return nil
	}
	if c := p.now.Load(); c != nil && !c.ended() {
		return c
	}
	return nil
}
