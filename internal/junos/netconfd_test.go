package junos

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"millwright/internal/metal"
)

// netconfd is a NETCONF server that nobody here wrote (yuma123, Debian's
// netconfd). It speaks RFC 6241 and knows nothing of Junos, so it proves the
// operations of a session and not what is said in them.
type netconfd struct {
	t      *testing.T
	sw     metal.Switch
	socket string
}

func foreignServer(t *testing.T) netconfd {
	t.Helper()
	dir, err := os.MkdirTemp("", "netconfd") // t.TempDir is too long for a socket's name
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	f := netconfd{t: t, socket: filepath.Join(dir, "ncx.sock")}
	models, err := filepath.Abs("testdata")
	require.NoError(t, err)
	server := exec.Command("netconfd", "--protocols=netconf1.0", "--target=candidate", "--no-startup", "--superuser=root",
		"--ncxserver-sockname="+f.socket, "--modpath="+models+":/usr/share/yuma/modules", "--module=millwright-test",
		"--log="+filepath.Join(dir, "log"))
	server.Dir, server.Env = dir, append(os.Environ(), "HOME="+dir)
	require.NoError(t, server.Start(), "install Debian's netconfd")
	gone := make(chan error, 1)
	go func() { gone <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGKILL)
		<-gone
	})
	require.Eventually(t, func() bool {
		_, err := os.Stat(f.socket)
		return err == nil
	}, 20*time.Second, 10*time.Millisecond, "netconfd did not listen")
	f.listen()
	return f
}

// listen is the way in that Debian's netconfd has: an SSH server that runs its
// subsystem.
func (f *netconfd) listen() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = listener.Close() })
	key, err := ecdsaKey()
	require.NoError(f.t, err)
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(key)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveScript(conn, config, f.subsystem)
		}
	}()
	f.sw = metal.Switch{
		ID: "foreign", Address: listener.Addr().String(), Credential: "switches",
		HostKey: ssh.FingerprintSHA256(key.PublicKey()),
	}
}

func (f *netconfd) subsystem(in frames, out io.Writer) {
	client := exec.Command("/usr/sbin/netconf-subsystem", "--ncxserver-sockname=830@"+f.socket)
	client.Env = []string{"USER=root", "SSH_CONNECTION=127.0.0.1 40000 127.0.0.1 830", "HOME=" + filepath.Dir(f.socket)}
	// Wait ends with the program's output, not with the client's input.
	input, err := client.StdinPipe()
	if err != nil {
		return
	}
	client.Stdout = out
	if client.Start() != nil {
		return
	}
	go func() {
		_, _ = io.Copy(input, in.in)
		_ = input.Close() // the client left
	}()
	_ = client.Wait()
	if hangsUp, ok := out.(io.Closer); ok {
		_ = hangsUp.Close()
	}
}

func (f netconfd) open() *session {
	f.t.Helper()
	s, err := newDriver().open(f.t.Context(), f.sw)
	require.NoError(f.t, err)
	f.t.Cleanup(s.login.close)
	return s
}

// mine is a configuration in the test's own model.
func mine(children ...*element) *element {
	c := branch("configuration", children...)
	c.asked = ` xmlns="urn:millwright:test"`
	return c
}

func port(name, mtu string) *element {
	return branch("interface", leaf("name", name), leaf("mtu", mtu))
}

// mtu is what a datastore says of a port.
func (f netconfd) mtu(s *session, datastore, name string) string {
	f.t.Helper()
	configuration, err := s.read(datastore, mine(branch("interface", leaf("name", name))))
	require.NoError(f.t, err)
	return step{tag: "interface", key: name}.in(configuration).child("mtu").value()
}

func TestAForeignServersSessionDoesEveryOperationOfACommit(t *testing.T) {
	t.Parallel()
	f := foreignServer(t)
	s := f.open()
	require.False(t, s.speaksJunos())
	pending, err := s.unconfirmed()
	require.NoError(t, err)
	require.True(t, pending, "a switch that cannot be asked may well have one")

	require.NoError(t, s.lock())
	require.NoError(t, s.discard())
	require.NoError(t, s.edit(mine(port("xe-0/0/1", "9216"))))
	// No validate before a commit: netconfd 2.13 forgets the edit at one, and
	// answers the commit with ok. Only to read back shows such a thing.
	require.NoError(t, s.commitConfirmed(time.Minute, time.Minute))
	require.Equal(t, "9216", f.mtu(s, "running", "xe-0/0/1"))
	require.NoError(t, s.confirm(time.Minute, "run 7"))
	s.unlock()
	s.close()
	require.Equal(t, "9216", f.mtu(f.open(), "running", "xe-0/0/1"), "confirmed, it outlives its session")

	s = f.open()
	require.NoError(t, s.lock())
	require.NoError(t, s.edit(mine(port("xe-0/0/1", "1500"))))
	require.Equal(t, "1500", f.mtu(s, "candidate", "xe-0/0/1"))
	require.NoError(t, s.discard())
	require.Equal(t, "9216", f.mtu(s, "candidate", "xe-0/0/1"))
	removal := branch("interface", leaf("name", "xe-0/0/1"))
	removal.operation = "delete"
	require.NoError(t, s.edit(mine(removal)))
	require.NoError(t, s.confirm(time.Minute, ""))
	require.Empty(t, f.mtu(s, "running", "xe-0/0/1"))
	require.ErrorIs(t, s.edit(mine(removal)), metal.ErrConfigRefused, "a delete of nothing is an error")
}

func TestAForeignServersLockNamesItsHolder(t *testing.T) {
	t.Parallel()
	f := foreignServer(t)
	holder, other := f.open(), f.open()
	require.NoError(t, holder.lock())
	var held *LockHeld
	require.ErrorAs(t, other.lock(), &held)
	require.Equal(t, fmt.Sprint(holder.netconf.SessionID), held.Session)
	require.Error(t, other.edit(mine(port("xe-0/0/1", "9216"))))
	require.NoError(t, other.lost, "an answer is no reason to leave")
	require.NoError(t, holder.edit(mine(port("xe-0/0/2", "9216"))))
	holder.login.close() // lost, with what it had not committed
	require.Eventually(t, func() bool { return other.lock() == nil }, 20*time.Second, 20*time.Millisecond)
	require.Empty(t, f.mtu(other, "candidate", "xe-0/0/2"))
}

func TestAForeignServerRefusesWhatItsModelForbids(t *testing.T) {
	t.Parallel()
	f := foreignServer(t)
	s := f.open()
	require.NoError(t, s.lock())
	require.ErrorIs(t, s.edit(mine(port("xe-0/0/1", "99"))), metal.ErrConfigRefused)
	require.NoError(t, s.discard())
	err := s.edit(mine(branch("interface", leaf("name", "xe-0/0/1"), leaf("filter", "nowhere"))))
	if err == nil { // RFC 6241 leaves open which of the two looks
		err = s.validate(time.Minute)
	}
	require.ErrorIs(t, err, metal.ErrConfigRefused, "a reference to nothing")
	s.abandon()
	require.NoError(t, s.validate(time.Minute))
}

// Other than Junos, a server of RFC 6241 takes an unconfirmed commit back when
// its session ends; and both do when its time is up.
func TestAForeignServerTakesAnUnconfirmedCommitBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*session){
		"when its session is lost": func(s *session) { s.login.close() },
		"when its session ends":    func(s *session) { s.close() },
		"when its time is up":      func(*session) {},
	} {
		f := foreignServer(t)
		watcher, s := f.open(), f.open()
		timeout := 2 * time.Second
		if name != "when its time is up" {
			timeout = time.Hour
		}
		require.NoError(t, s.lock())
		require.NoError(t, s.edit(mine(port("xe-0/0/1", "9216"))))
		require.NoError(t, s.commitConfirmed(time.Minute, timeout))
		if timeout == time.Hour {
			require.Equal(t, "9216", f.mtu(watcher, "running", "xe-0/0/1"))
		}
		end(s)
		require.Eventually(t, func() bool { return f.mtu(watcher, "running", "xe-0/0/1") == "" },
			20*time.Second, 1500*time.Millisecond, name) // its clock stands still while it is asked all the time
	}
}
