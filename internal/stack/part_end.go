package stack

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// Kill ends the part with SIGKILL, with every process it has forked, and
// returns when they are gone. Its data and ports are as a power cut leaves
// them; Start brings it back.
func (p *Part) Kill() {
	if c := p.running(); c != nil {
		c.kill()
	}
}

// Pause freezes the part with SIGSTOP: its connections stay open and nobody
// answers, which is what a swapping or partitioned host looks like.
func (p *Part) Pause() {
	if c := p.running(); c != nil {
		c.signal(syscall.SIGSTOP)
	}
}

// Resume lets a frozen part go on.
func (p *Part) Resume() {
	if c := p.running(); c != nil {
		c.signal(syscall.SIGCONT)
	}
}

// PID is the part's process, or 0 if it does not run.
func (p *Part) PID() int {
	if c := p.running(); c != nil {
		return c.cmd.Process.Pid
	}
	return 0
}

// end asks the part to end, frozen or not, and kills it if it does not before
// the context does.
func (p *Part) end(ctx context.Context, sig syscall.Signal) error {
	c := p.running()
	if c == nil {
		return nil
	}
	c.asked.Store(true)
	c.send(sig)
	c.signal(syscall.SIGCONT) // a frozen process hears nothing else
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		c.kill()
		return fmt.Errorf("stop %s (pid %d): killed, because it did not end: %w", p.name, c.cmd.Process.Pid, ctx.Err())
	}
}

// obituary says which part ended, how, and what it printed last.
func (p *Part) obituary(c *child) error {
	tail := p.tail(c)
	err := fmt.Errorf("%s (pid %d) ended: %s; the end of %s:\n%s",
		p.name, c.cmd.Process.Pid, c.cmd.ProcessState, p.log, tail)
	// Postgres and Temporal have no exit code for it, only words.
	if strings.Contains(strings.ToLower(tail), "address already in use") {
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}

// tail returns the last lines that the child has logged.
func (p *Part) tail(c *child) string {
	raw, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(raw[min(c.log, int64(len(raw))):]), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-15):], []byte("\n")))
}
