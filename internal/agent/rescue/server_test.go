package rescue

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tenant is somebody with OpenSSH's client and a key.
type tenant struct {
	*testing.T
	folder string
	public string
	server *Server
	log    *logbook
}

type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newTenant(t *testing.T) *tenant {
	folder := t.TempDir()
	out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me@home", "-f", filepath.Join(folder, "key")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	public, err := os.ReadFile(filepath.Join(folder, "key.pub"))
	require.NoError(t, err)
	return &tenant{T: t, folder: folder, public: strings.TrimSpace(string(public)), log: &logbook{}}
}

// open opens a rescue system for this tenant and others.
func (t *tenant) open(change ...func(*Config)) *tenant {
	config := Config{Listen: "127.0.0.1:0", Keys: []string{"no key at all", t.public}, Shell: "/bin/sh", Log: slog.New(slog.NewTextHandler(t.log, nil))}
	for _, c := range change {
		c(&config)
	}
	server, err := Open(config)
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	t.server = server
	known := fmt.Sprintf("[127.0.0.1]:%d %s", server.Address().(*net.TCPAddr).Port, hostKey(server))
	require.NoError(t, os.WriteFile(filepath.Join(t.folder, "known"), []byte(known), 0o600))
	return t
}

func hostKey(s *Server) string {
	return s.host.Type() + " " + encode(s.host.Marshal()) + "\n"
}

// ssh is the client, with nothing of whoever runs the tests.
func (t *tenant) ssh(args ...string) *exec.Cmd {
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(stop)
	all := append([]string{"-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", filepath.Join(t.folder, "key"),
		"-o", "UserKnownHostsFile=" + filepath.Join(t.folder, "known"), "-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR",
		"-p", fmt.Sprint(t.server.Address().(*net.TCPAddr).Port)}, args...)
	command := exec.CommandContext(ctx, "ssh", all...)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "TERM=vt220", "LC_ALL=C.UTF-8"}
	return command
}

func TestATenantRunsCommandsAndLearnsHowTheyEnd(t *testing.T) {
	t.Parallel()
	me := newTenant(t).open()
	command := me.ssh("root@127.0.0.1", `echo "home $HOME"; echo complaint >&2; cat; exit 7`)
	command.Stdin = strings.NewReader("from outside\n")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	require.Equal(t, 7, command.ProcessState.ExitCode(), "%v %s", err, stderr.String())
	require.Equal(t, "home /root\nfrom outside\n", stdout.String())
	require.Equal(t, "complaint\n", stderr.String())
	require.Contains(t, me.log.String(), "the tenant is in")
}

func TestABigOutputArrivesWhole(t *testing.T) {
	t.Parallel()
	out, err := newTenant(t).open().ssh("root@127.0.0.1", "head -c 20000000 /dev/zero").Output()
	require.NoError(t, err)
	require.Equal(t, 20_000_000, len(out))
}

func TestATenantHasATerminalOfHisSize(t *testing.T) {
	t.Parallel()
	me := newTenant(t).open()
	command := me.ssh("-tt", "root@127.0.0.1")
	command.Stdin = strings.NewReader("tty; echo $TERM $0 $((6*7)); exit 3\n")
	out, _ := command.CombinedOutput()
	require.Equal(t, 3, command.ProcessState.ExitCode(), string(out))
	require.Contains(t, string(out), "/dev/pts/")
	require.Contains(t, string(out), "vt220 -sh 42")
}

func TestACommandThatASignalEndsIsToldSo(t *testing.T) {
	t.Parallel()
	command := newTenant(t).open().ssh("root@127.0.0.1", "kill -9 $$")
	require.Error(t, command.Run())
	require.Equal(t, 255, command.ProcessState.ExitCode(), "what ssh makes of an exit-signal")
}

func TestWhoIsNotTheTenantIsNotLetIn(t *testing.T) {
	t.Parallel()
	me, stranger := newTenant(t).open(), newTenant(t)
	stranger.server = me.server
	known, err := os.ReadFile(filepath.Join(me.folder, "known"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(stranger.folder, "known"), known, 0o600))
	for name, command := range map[string]*exec.Cmd{
		"another key":  stranger.ssh("root@127.0.0.1", "echo in"),
		"another user": me.ssh("admin@127.0.0.1", "echo in"),
		"no key":       me.ssh("-o", "PubkeyAuthentication=no", "root@127.0.0.1", "echo in"),
	} {
		out, err := command.CombinedOutput()
		require.Error(t, err, name)
		require.Contains(t, string(out), "Permission denied", name)
		require.NotContains(t, string(out), "in\n", name)
	}
}

func TestNothingIsForwarded(t *testing.T) {
	t.Parallel()
	me := newTenant(t).open()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	out, err := me.ssh("-W", listener.Addr().String(), "root@127.0.0.1").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "stdio forwarding failed")
	_, err = me.ssh("-o", "ExitOnForwardFailure=yes", "-R", "0:"+listener.Addr().String(), "root@127.0.0.1", "echo in").Output()
	require.Error(t, err)
}

func TestTheHostKeyIsTheOneThatIsReported(t *testing.T) {
	t.Parallel()
	me := newTenant(t).open()
	out, err := exec.Command("ssh-keygen", "-l", "-f", filepath.Join(me.folder, "known")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), me.server.Fingerprint())
	require.NotEqual(t, me.server.Fingerprint(), newTenant(t).open().server.Fingerprint(), "each boot has its own")
}

func TestKeysWithOptionsAndNonsenseLetNobodyIn(t *testing.T) {
	t.Parallel()
	me := newTenant(t)
	for _, keys := range [][]string{nil, {"nonsense"}, {`command="true" ` + me.public}} {
		_, err := Open(Config{Listen: "127.0.0.1:0", Keys: keys, Shell: "/bin/sh", Log: slog.New(slog.DiscardHandler)})
		require.ErrorContains(t, err, "can be used")
	}
}

func TestASilentConnectionIsClosed(t *testing.T) {
	t.Parallel()
	me := newTenant(t).open(func(c *Config) { c.Idle = 300 * time.Millisecond })
	command := me.ssh("root@127.0.0.1", "sleep 60")
	require.Error(t, command.Run())
	require.Eventually(t, func() bool { return strings.Contains(me.log.String(), "the tenant is out") }, 20*time.Second, 10*time.Millisecond)
}

func TestTheEndOfTheRescueEndsWhatRunsInIt(t *testing.T) {
	t.Parallel()
	me := newTenant(t).open()
	command := me.ssh("-tt", "root@127.0.0.1", "echo $$; sleep 1000")
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	line := make([]byte, 32)
	n, err := stdout.Read(line)
	require.NoError(t, err)
	pid := strings.TrimSpace(string(line[:n]))
	require.DirExists(t, "/proc/"+pid)
	require.NoError(t, me.server.Close())
	require.Error(t, command.Wait())
	require.Eventually(t, func() bool { _, err := os.Stat("/proc/" + pid); return err != nil }, 20*time.Second, 10*time.Millisecond)
}
