package frr

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"millwright/internal/metal"
)

// shell is one shell on a switch, which is given scripts by its standard input
// and says after each how it ended. One shell and not a command for each step:
// what it holds, its steps inherit.
type shell struct {
	ctx   context.Context
	sw    metal.Switch
	dir   string
	limit time.Duration
	login *login

	in         io.WriteCloser
	out, words *bufio.Reader
	mark       string // no line of any output: what ends a script's
	lost       error  // why the session ended; nil while it lives
}

// open logs in and starts a shell. It ends with its input, at the latest with
// its lease, and with ctx.
func (d *Driver) open(ctx context.Context, sw metal.Switch) (*shell, error) {
	dir, err := d.dir()
	if err != nil {
		return nil, err
	}
	who, err := d.Credentials(ctx, sw.Credential)
	if err != nil {
		return nil, fmt.Errorf("switch %s: credential %s: %w", sw.ID, sw.Credential, err)
	}
	l, err := connect(ctx, sw, who, d.timeout())
	if err != nil {
		return nil, fmt.Errorf("switch %s at %s: log in: %w", sw.ID, sw.Address, err)
	}
	s := &shell{ctx: ctx, sw: sw, dir: dir, limit: d.timeout(), login: l, mark: rand.Text()}
	if err := s.start(); err != nil {
		s.close()
		return nil, fmt.Errorf("switch %s at %s: start a shell: %w", sw.ID, sw.Address, because(ctx, err))
	}
	return s, nil
}

// start has the shell end with its whole process group when the lease does.
func (s *shell) start() error {
	session, err := s.login.client.NewSession()
	if err != nil {
		return err
	}
	if s.in, err = session.StdinPipe(); err != nil {
		return err
	}
	pipes := make([]io.Reader, 2)
	for i, pipe := range []func() (io.Reader, error){session.StdoutPipe, session.StderrPipe} {
		if pipes[i], err = pipe(); err != nil {
			return err
		}
	}
	s.out, s.words = bufio.NewReader(pipes[0]), bufio.NewReader(pipes[1])
	if err := session.Start(fmt.Sprintf("exec timeout -k 5 %d sh", int(lease.Seconds()))); err != nil {
		return err
	}
	_, err = s.keep("prepare", "umask 077\nexport LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin\ndir="+s.dir)
	return err
}

// run runs a script in a shell of its own, which stops at the first failure,
// and gives its output. The script's words go into the error, so it must not
// print secrets.
func (s *shell) run(doing, script string) (string, error) {
	return s.keep(doing, "(\nset -e\n"+script+"\n)")
}

// keep runs a script in the shell itself, so that what it sets stays.
func (s *shell) keep(doing, script string) (string, error) {
	stop := time.AfterFunc(s.limit, func() { _ = s.login.conn.Close() })
	defer stop.Stop()
	out, words, status, err := s.exchange(script)
	if err != nil {
		s.lost = because(s.ctx, err)
		return "", fmt.Errorf("switch %s at %s: %s: session lost: %w", s.sw.ID, s.sw.Address, doing, s.lost)
	}
	if status != 0 {
		said := strings.TrimSpace(words)
		if said == "" {
			said = "no words"
		}
		return out, &stepError{sw: s.sw, doing: doing, status: status, words: said}
	}
	return out, nil
}

// exchange sends a script and hears its two streams, each to its mark.
func (s *shell) exchange(script string) (out, words string, status int, err error) {
	type heard struct {
		text string
		err  error
	}
	aside := make(chan heard, 1)
	go func() {
		text, _, err := until(s.words, s.mark)
		aside <- heard{text, err}
	}()
	_, err = fmt.Fprintf(s.in, "{\n%s\n} </dev/null\nstatus=$?\necho; echo %s $status; echo >&2; echo %s >&2\n", script, s.mark, s.mark)
	if err != nil {
		return "", "", 0, err // the stream ends with the session, and its reader too
	}
	out, ended, err := until(s.out, s.mark)
	if err != nil {
		return "", "", 0, err
	}
	said := <-aside
	if said.err != nil {
		return "", "", 0, said.err
	}
	status, err = strconv.Atoi(ended)
	return out, said.text, status, err
}

// until reads to the line that begins with the mark, and gives the rest of
// that line. What came before an end is not told: it may hold keys.
func until(r *bufio.Reader, mark string) (text, rest string, err error) {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", "", err
		}
		if after, found := strings.CutPrefix(line, mark); found {
			return strings.TrimSuffix(b.String(), "\n"), strings.TrimSpace(after), nil
		}
		b.WriteString(line)
	}
}

func (s *shell) close() {
	if s.in != nil {
		_ = s.in.Close()
	}
	s.login.close()
}

// document is the part of a script that hands it a text, on the standard input
// of the command before it. The text stays what it is, whatever is in it.
func document(text string) string {
	end := rand.Text()
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return " <<'" + end + "'\n" + text + end + "\n"
}
