package rescue

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// session is one shell or command (RFC 4254, section 6).
type session struct {
	shell   string
	channel ssh.Channel
	log     *slog.Logger

	env      []string
	wished   *pty.Winsize // a terminal was asked for
	terminal *os.File
	process  *exec.Cmd
	ended    chan struct{} // closed once the program's end was told
}

func newSession(shell string, channel ssh.Channel, log *slog.Logger) *session {
	return &session{shell: shell, channel: channel, log: log, ended: make(chan struct{}),
		env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=" + shell}}
}

// serve heeds requests until the client has gone; what it started goes with it.
func (s *session) serve(requests <-chan *ssh.Request) {
	for r := range requests {
		err := s.heed(r)
		if r.WantReply {
			_ = r.Reply(err == nil, nil)
		}
		if err != nil {
			s.log.Warn("a request in the rescue system is refused", "request", r.Type, "error", err)
		}
	}
	if s.process != nil {
		s.kill()
		<-s.ended
	}
	_ = s.channel.Close()
}

var errNotHere = errors.New("the rescue system does not have this")

func (s *session) heed(r *ssh.Request) error {
	switch r.Type {
	case "env":
		return s.setEnv(r.Payload)
	case "pty-req":
		return s.wishTerminal(r.Payload)
	case "window-change":
		return s.resize(r.Payload)
	case "shell":
		return s.start()
	case "exec":
		var wish struct{ Command string }
		if err := ssh.Unmarshal(r.Payload, &wish); err != nil {
			return err
		}
		return s.start("-c", wish.Command)
	}
	return errNotHere
}

// setEnv takes what sshd takes on Debian, and nothing that would change which
// programs run.
func (s *session) setEnv(payload []byte) error {
	var v struct{ Name, Value string }
	if err := ssh.Unmarshal(payload, &v); err != nil {
		return err
	}
	if v.Name != "LANG" && !strings.HasPrefix(v.Name, "LC_") || strings.ContainsRune(v.Name+v.Value, 0) || len(s.env) > 64 {
		return errNotHere
	}
	s.env = append(s.env, v.Name+"="+v.Value)
	return nil
}

func (s *session) wishTerminal(payload []byte) error {
	var wish struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}
	if err := ssh.Unmarshal(payload, &wish); err != nil {
		return err
	}
	if s.process != nil || strings.ContainsRune(wish.Term, 0) {
		return errNotHere
	}
	s.env = append(s.env, "TERM="+wish.Term)
	s.wished = &pty.Winsize{Cols: uint16(wish.Columns), Rows: uint16(wish.Rows)}
	return nil
}

func (s *session) resize(payload []byte) error {
	var wish struct{ Columns, Rows, Width, Height uint32 }
	if err := ssh.Unmarshal(payload, &wish); err != nil {
		return err
	}
	if s.terminal == nil {
		return errNotHere
	}
	return pty.Setsize(s.terminal, &pty.Winsize{Cols: uint16(wish.Columns), Rows: uint16(wish.Rows)})
}

// start begins the one program of a session. A login shell has a dash before
// its name.
func (s *session) start(args ...string) error {
	if s.process != nil {
		return errors.New("a session has one program")
	}
	command := exec.Command(s.shell, args...)
	if len(args) == 0 {
		command.Args[0] = "-" + s.shell[strings.LastIndexByte(s.shell, '/')+1:]
	}
	command.Env, command.Dir = s.env, "/"
	command.WaitDelay = time.Second // for what it left behind with our pipes in hand
	var copied <-chan struct{}
	var err error
	if s.wished != nil {
		copied, err = s.onTerminal(command)
	} else {
		err = s.onPipes(command)
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", s.shell, err)
	}
	s.process = command
	go s.await(copied)
	return nil
}

// onTerminal gives the program a terminal. The channel is closed once all that
// it wrote was sent.
func (s *session) onTerminal(command *exec.Cmd) (<-chan struct{}, error) {
	terminal, err := pty.StartWithSize(command, s.wished)
	if err != nil {
		return nil, err
	}
	s.terminal = terminal
	go func() { _, _ = io.Copy(terminal, s.channel) }()
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(s.channel, terminal) // ends with EIO when nobody has it open any more
	}()
	return copied, nil
}

// onPipes lets the program's input end when the client's does.
func (s *session) onPipes(command *exec.Cmd) error {
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	command.Stdout, command.Stderr = s.channel, s.channel.Stderr()
	input, err := command.StdinPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(input, s.channel)
		_ = input.Close()
	}()
	return nil
}

// lastWords is how long a terminal's output is waited for after its program: a
// child in the background may keep it open for ever.
const lastWords = time.Second

// await tells the client how the program ended.
func (s *session) await(copied <-chan struct{}) {
	defer close(s.ended)
	_ = s.process.Wait()
	if copied != nil {
		select {
		case <-copied:
		case <-time.After(lastWords):
		}
		_ = s.terminal.Close()
	}
	status, _ := s.process.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		_, _ = s.channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Signal  string
			Core    bool
			Message string
			Lang    string
		}{strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG"), status.CoreDump(), "", ""}))
	} else {
		_, _ = s.channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status.ExitStatus())}))
	}
	_ = s.channel.Close()
}

// kill ends the program and all of its session that did not leave it.
func (s *session) kill() {
	_ = syscall.Kill(-s.process.Process.Pid, syscall.SIGHUP)
	_ = syscall.Kill(-s.process.Process.Pid, syscall.SIGKILL)
}
