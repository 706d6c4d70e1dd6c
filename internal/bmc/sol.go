package bmc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

const (
	// partLimit is how long ipmitool may take to give its session back: two
	// commands, each tried again after a second. Killed, it leaves the BMC with
	// a session that lasts until the BMC forgets it, a minute on most.
	partLimit = 5 * time.Second
	// openerLine is what ipmitool prints first once the console is open.
	openerLine = "[SOL Session operational"
)

// Console is a machine's serial console while it is open. It ends, with an
// error from Read, when the BMC restarts or hands it to somebody else, when a
// command needs the BMC's only session, and with the context that opened it.
type Console struct {
	tty     *os.File
	lines   *bufio.Reader // of tty: its first line is ipmitool's own
	command *exec.Cmd
	said    *tail
	session *ipmiSession
	ended   chan struct{} // closed once the process is gone

	writing sync.Mutex
	escape  escaper
	closing sync.Once
	release func()
}

// start runs `ipmitool sol activate` on a terminal, since it asks for one and
// prints nothing at once without.
func (s *ipmiSession) start(ctx context.Context) (*Console, error) {
	tty, theirs, err := terminal()
	if err != nil {
		return nil, fmt.Errorf("open a terminal for ipmitool: %w", err)
	}
	defer theirs.Close()
	c := &Console{
		tty: tty, lines: bufio.NewReader(tty), said: &tail{}, session: s,
		ended: make(chan struct{}), escape: escaper{fresh: true}, release: func() {},
	}
	// Three unanswered questions end it, each asked thrice: some 40 s and not the
	// three minutes that it would take with the patience of commands.
	c.command = s.prepare(ctx, "-N", "1", "-R", "2", "sol", "activate")
	c.command.Stdin, c.command.Stdout, c.command.Stderr = theirs, theirs, c.said
	// At the end of its input ipmitool gives the session back.
	c.command.Cancel, c.command.WaitDelay = tty.Close, partLimit
	if err := c.command.Start(); err != nil {
		tty.Close()
		return nil, fmt.Errorf("start ipmitool: %w", err)
	}
	go func() { _ = c.command.Wait(); close(c.ended) }()
	return c, nil
}

// terminal opens a pair of ends, raw from the beginning: an echo would be
// recorded as the machine's.
func terminal() (ours, theirs *os.File, err error) {
	opened, theirs, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	defer opened.Close()
	if _, err := term.MakeRaw(int(theirs.Fd())); err != nil {
		theirs.Close()
		return nil, nil, err
	}
	// The module leaves a file that blocks, whose Close waits for a Read that
	// waits for the machine to say something.
	fd, err := unix.FcntlInt(opened.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return os.NewFile(uintptr(fd), opened.Name()), theirs, nil
}

// await waits for ipmitool's word that the console is open.
func (c *Console) await(ctx context.Context, limit time.Duration) error {
	late := time.AfterFunc(limit, func() { _ = c.tty.Close() })
	line, err := c.lines.ReadString('\n')
	if !late.Stop() && err != nil {
		err = fmt.Errorf("no answer within %s", limit)
	}
	if err == nil && strings.HasPrefix(strings.TrimSpace(line), openerLine) {
		return nil
	}
	c.end()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case c.said.String() != "":
		return errors.New(c.said.String())
	case err == nil || errors.Is(err, io.EOF):
		err = fmt.Errorf("ipmitool printed %q", line)
	}
	return err
}

// Read reads what the machine prints.
func (c *Console) Read(p []byte) (int, error) {
	n, err := c.lines.Read(p)
	if n > 0 || err == nil {
		return n, nil
	}
	// Whatever a closed terminal says of itself, ipmitool knows why it left.
	c.end()
	if text := c.said.String(); text != "" {
		return 0, plain(errors.New("console ended: "+text), c.session.cred)
	}
	return 0, io.EOF
}

// Write types on the machine's console. Nothing that is typed is a command to
// ipmitool.
func (c *Console) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if _, err := c.tty.Write(c.escape.escape(p)); err != nil {
		return 0, fmt.Errorf("console ended: %w", err)
	}
	return len(p), nil
}

// Close gives the session back to the BMC, and returns once it has it or was
// not to be reached. It is safe to call twice and beside Read.
func (c *Console) Close() error {
	c.end()
	return nil
}

func (c *Console) end() {
	c.closing.Do(func() {
		_ = c.tty.Close()
		late := time.AfterFunc(partLimit, func() { _ = c.command.Process.Kill() })
		<-c.ended
		late.Stop()
		c.release()
	})
}

// escaper doubles the character that ipmitool takes for its own after a line's
// end: `~.` typed by a tenant would end the session of everybody.
type escaper struct{ fresh bool } // at the beginning of a line

func (e *escaper) escape(p []byte) []byte {
	out := make([]byte, 0, len(p)+2)
	for _, b := range p {
		out = append(out, b)
		if e.fresh && b == '~' {
			out = append(out, b)
		}
		e.fresh = b == '\r' || b == '\n'
	}
	return out
}

// tail keeps the end of what a program complained of.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const most = 1000
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-most):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
