package sos_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"millwright/internal/console"
	"millwright/internal/console/sos"
	"millwright/internal/metal"
)

func TestATenantSitsAtTheConsole(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.letIn()
	require.Contains(t, w.recorded(), device+" m1 console: console opened with key SHA256:")
	require.Contains(t, w.recorded(), " from 127.0.0.1:")
	w.print("login: ")
	p.screen.requireHas(t, "login: ")
	_, err := io.WriteString(p.types, "root\r~~\r~x\rsecret\r~.")
	require.NoError(t, err)
	p.requireLeaves("[Left.]")
	require.Equal(t, "root\r~\r~x\rsecret\r", w.typed.String())
	require.Eventually(t, func() bool { return strings.Contains(w.recorded(), "console closed after ") }, patience, time.Millisecond)
	require.NotContains(t, w.recorded(), "secret")
	require.NotContains(t, w.log.String(), "secret")
}

func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, public, _ := key(t)
	other, _, _ := key(t)
	w.with(func() { w.seat.SSHKeys = []string{public} })
	answers := map[string]bool{}
	for _, user := range []string{device, "99999999-2222-3333-4444-555555555555", "root"} {
		p := w.come(other, user)
		p.requireLeaves("Permission denied (publickey)")
		answers[strings.ReplaceAll(p.screen.String(), user, "user")] = true
	}
	require.Len(t, answers, 1, "a device that is there and one that is not look the same: %v", answers)
	require.Empty(t, w.recorded())
}

func TestAKeyWithConditionsOpensNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	file, public, _ := key(t)
	w.with(func() { w.seat.SSHKeys = []string{`from="192.0.2.1" ` + public, "rubbish"} })
	w.come(file, device).requireLeaves("Permission denied")
}

func TestWhoMayNotStayIsSentAway(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*world){
		"The device is gone.":                   func(w *world) { w.known = metal.ErrUnknownDevice },
		"The device is deprovisioning":          func(w *world) { w.seat.State = metal.Deprovisioning },
		"The device is reinstalling":            func(w *world) { w.seat.State = metal.Reinstalling },
		"The device has another machine":        func(w *world) { w.seat.Machine = "m2" },
		"Your key is no longer the device's":    func(w *world) { w.seat.SSHKeys = nil },
		"its console is yours again when that ": func(w *world) { w.seat.Agent = true },
		"The console was taken away": func(w *world) {
			for p := range w.places {
				delete(w.places, p)
				p.once.Do(func() { close(p.output) })
			}
		},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			p := w.letIn()
			w.with(func() { change(w) })
			p.requireLeaves(says)
			require.Eventually(t, func() bool { return strings.Contains(w.recorded(), "console closed after ") }, patience, time.Millisecond)
			w.with(func() { require.Empty(t, w.places) })
		})
	}
}

func TestAConsoleThatCannotBeHadIsExplained(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*world){
		"The device is provisioning":    func(w *world) { w.seat.State = metal.Provisioning },
		"sits at this console by":       func(w *world) { w.taken = fmt.Errorf("machine m1: %w", console.ErrTaken) },
		"has no serial console":         func(w *world) { w.taken = console.ErrNoConsole },
		"cannot be opened at this mome": func(w *world) { w.deaf = errors.New("connection refused") },
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			file, public, _ := key(t)
			w.with(func() { w.seat.SSHKeys = []string{public}; change(w) })
			w.come(file, device).requireLeaves(says)
			require.Empty(t, w.recorded())
			w.with(func() { require.Empty(t, w.places) })
		})
	}
}

func TestNothingButAConsoleIsToBeHad(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, public, signer := key(t)
	w.with(func() { w.seat.SSHKeys = []string{public} })
	client, err := ssh.Dial("tcp", w.addr, &ssh.ClientConfig{
		User: device, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(w.server.HostKey.PublicKey()),
	})
	require.NoError(t, err)
	defer client.Close()
	_, err = client.Dial("tcp", "127.0.0.1:22")
	require.ErrorContains(t, err, "only a console")
	_, err = client.Listen("tcp", "127.0.0.1:0")
	require.Error(t, err)
	s, err := client.NewSession()
	require.NoError(t, err)
	require.Error(t, s.Setenv("LANG", "C"))
	require.Error(t, s.RequestSubsystem("sftp"))
	require.Error(t, s.Start("reboot"))
	_, err = client.NewSession()
	require.ErrorContains(t, err, "one console to a connection")
	require.Error(t, s.Shell(), "a console needs a terminal")
	require.Empty(t, w.recorded())
}

func TestPasswordsAreNotAskedFor(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, err := ssh.Dial("tcp", w.addr, &ssh.ClientConfig{
		User: device, Auth: []ssh.AuthMethod{ssh.Password("hunter2")}, HostKeyCallback: ssh.FixedHostKey(w.server.HostKey.PublicKey()),
	})
	require.ErrorContains(t, err, "attempted methods [none]")
	require.NotContains(t, w.log.String(), "hunter2")
}

func TestWhoTypesNothingIsSentAway(t *testing.T) {
	t.Parallel()
	w := setup(t, func(s *sos.Server) { s.Idle = 300 * time.Millisecond })
	w.letIn().requireLeaves("Nothing was typed for 300ms.")
}

func TestOneConsoleHasOnlySoManySeats(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 4 {
		w.letIn()
	}
	file, public, _ := key(t)
	w.with(func() { w.seat.SSHKeys = append(w.seat.SSHKeys, public) })
	w.come(file, device).requireLeaves("Enough people sit at this console.")
}

func TestWhoTriesManyKeysIsSlowedDown(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, _, signer := key(t)
	refused := 0
	for range 30 {
		_, err := ssh.Dial("tcp", w.addr, &ssh.ClientConfig{
			User: device, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(w.server.HostKey.PublicKey()),
		})
		require.Error(t, err)
		if strings.Contains(err.Error(), "unable to authenticate") {
			refused++
		}
	}
	require.GreaterOrEqual(t, refused, 10)
	require.Less(t, refused, 20, "after ten the door is closed before anything is asked")
}

func TestADoorThatClosesWritesDownWhoWasThere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.letIn()
	w.stop()
	p.requireLeaves("")
	require.Contains(t, w.recorded(), "console closed after ")
}
